"""Identities: made here, or by any version of the official daemon."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from txsyncthing.tls.certificate import (
    BadIdentity,
    Identity,
    carries_name,
    load_identity,
    make_identity,
)
from txsyncthing.vocabulary.device import DeviceID

UNIX = 1_700_000_000.0


def numbers(count: int) -> bytes:
    return bytes(range(count))


def other(count: int) -> bytes:
    return bytes(range(100, 100 + count))


def test_a_new_identity_is_what_the_official_daemon_makes() -> None:
    certificate = make_identity(numbers, UNIX).certificate
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "syncthing"
    assert certificate.issuer == certificate.subject
    assert certificate.not_valid_before_utc == datetime(2023, 11, 14, tzinfo=UTC)
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 20 * 365
    assert certificate.serial_number == int.from_bytes(bytes(range(8)), "big")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["syncthing"]


def test_the_device_is_the_hash_of_the_certificate() -> None:
    identity = make_identity(numbers, UNIX)
    der = identity.certificate.public_bytes(Encoding.DER)
    assert identity.device == DeviceID.of_certificate(der)


def test_an_identity_survives_its_files() -> None:
    identity = make_identity(numbers, UNIX)
    assert identity.key_pem().startswith(b"-----BEGIN PRIVATE KEY-----")
    loaded = load_identity(identity.certificate_pem(), identity.key_pem())
    assert loaded.device == identity.device
    assert loaded.key_pem() == identity.key_pem()


def signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, names: list[str]) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "someone")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(datetime(2010, 1, 1))
        .not_valid_after(datetime(2011, 1, 1))
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


OLD_KEYS: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "EC": ec.generate_private_key(ec.SECP384R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", OLD_KEYS)
@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_old_kinds_of_keys_load_and_keep_their_form(kind: str, form: PrivateFormat) -> None:
    key = OLD_KEYS[kind]
    pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
    identity = load_identity(signed(key, []), pem)
    assert identity.key_pem().startswith(f"-----BEGIN {kind} PRIVATE KEY-----".encode())


def test_ec_parameters_before_the_key_do_no_harm() -> None:
    key = OLD_KEYS["EC"]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parameters = b"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
    assert load_identity(signed(key, []), parameters + pem)


def pems(identity: Identity) -> tuple[bytes, bytes]:
    return identity.certificate_pem(), identity.key_pem()


def test_a_damaged_certificate_is_refused() -> None:
    certificate, key = pems(make_identity(numbers, UNIX))
    with pytest.raises(BadIdentity, match="certificate does not parse"):
        load_identity(certificate[:80], key)


def test_a_damaged_key_is_refused() -> None:
    certificate, key = pems(make_identity(numbers, UNIX))
    with pytest.raises(BadIdentity, match="private key does not parse"):
        load_identity(certificate, key[:60])


def test_a_key_of_another_certificate_is_refused() -> None:
    certificate, _ = pems(make_identity(numbers, UNIX))
    _, key = pems(make_identity(other, UNIX))
    with pytest.raises(BadIdentity, match="does not belong"):
        load_identity(certificate, key)


def test_a_key_of_an_unknown_kind_is_refused() -> None:
    certificate, _ = pems(make_identity(numbers, UNIX))
    key = Ed448PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(BadIdentity, match="not Ed25519, ECDSA or RSA"):
        load_identity(certificate, key)


def test_a_certificate_carries_its_common_name() -> None:
    der = make_identity(numbers, UNIX).certificate.public_bytes(Encoding.DER)
    assert carries_name(der, "syncthing")
    assert not carries_name(der, "someone")


@pytest.mark.parametrize(
    ("name", "carried"),
    [
        ("host.example.org", True),
        ("HOST.example.org", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("syncthing", False),
    ],
)
def test_a_certificate_carries_its_alternative_names(name: str, carried: bool) -> None:
    pem = signed(OLD_KEYS["EC"], ["host.example.org", "*.example.net"])
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    assert carries_name(der, name) is carried


def test_garbage_carries_no_name() -> None:
    assert not carries_name(b"garbage", "syncthing")
