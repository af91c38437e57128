"""
Who we are: a certificate, its key, and the DeviceID that follows from it.

Source: reference 1.1, 1.3 "Cert name check" (lib/tlsutil/tlsutil.go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from txsyncthing.vocabulary.device import DeviceID

COMMON_NAME = "syncthing"
"""What peers look for in our certificate."""

_LIFE = timedelta(days=20 * 365)

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


class BadIdentity(ValueError):
    """A certificate or key that exists but is of no use; never replace it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey
    device: DeviceID

    def certificate_pem(self) -> bytes:
        """The contents of ``cert.pem``."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """The contents of ``key.pem``, as the official daemon writes it for this kind of key."""
        old = isinstance(self.key, EllipticCurvePrivateKey | RSAPrivateKey)
        form = PrivateFormat.TraditionalOpenSSL if old else PrivateFormat.PKCS8
        return self.key.private_bytes(Encoding.PEM, form, NoEncryption())


def make_identity(random: Callable[[int], bytes], unix: float) -> Identity:
    """
    A new identity: Ed25519, signed with itself, good for 20 years.

    :param random: gives that many bytes nobody can guess.
    :param unix: seconds since 1970, now.
    """
    key = Ed25519PrivateKey.from_private_bytes(random(32))
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Syncthing"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Automatically Generated"),
            x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME),
        ]
    )
    today = datetime.fromtimestamp(unix // 86400 * 86400, UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(max(1, int.from_bytes(random(8), "big")))
        .not_valid_before(today)
        .not_valid_after(today + _LIFE)
        .add_extension(usage, critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(COMMON_NAME)]), critical=False)
        .sign(key, None)
    )
    return Identity(certificate, key, device_of(certificate))


def load_identity(certificate_pem: bytes, key_pem: bytes) -> Identity:
    """
    Read an identity that any version of the official daemon made: Ed25519, ECDSA or RSA.

    :raises BadIdentity: one of them does not parse, or they do not belong together.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise BadIdentity(f"the certificate does not parse: {error}") from None
    try:
        key = load_pem_private_key(_private_block(key_pem), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadIdentity(f"the private key does not parse: {error}") from None
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
        raise BadIdentity(f"the private key is a {type(key).__name__}, not Ed25519, ECDSA or RSA")
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise BadIdentity("the private key does not belong to the certificate")
    return Identity(certificate, key, device_of(certificate))


def _private_block(pem: bytes) -> bytes:
    """The private key alone: some tools write EC PARAMETERS before it."""
    start = pem.find(b"-----BEGIN EC PARAMETERS-----")
    end = pem.find(b"-----END EC PARAMETERS-----")
    if start < 0 or end < 0:
        return pem
    return pem[:start] + pem[end + len(b"-----END EC PARAMETERS-----") :].lstrip()


def device_of(certificate: x509.Certificate) -> DeviceID:
    """The DeviceID of a certificate, over its bytes as they came."""
    return DeviceID.of_certificate(certificate.public_bytes(Encoding.DER))


def carries_name(der: bytes, name: str) -> bool:
    """Whether a certificate is made out to a name: as its common name, or else among its DNS names."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if any(attribute.value == name for attribute in common):
            return True
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return any(_fits(each, name) for each in names.value.get_values_for_type(x509.DNSName))
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False


def _fits(pattern: str, name: str) -> bool:
    """Whether a DNS name of a certificate covers a host name; ``*`` stands for one whole label."""
    labels, wanted = pattern.lower().split("."), name.lower().rstrip(".").split(".")
    if labels[0] == "*" and len(labels) > 2:
        return labels[1:] == wanted[1:] and len(wanted) == len(labels)
    return labels == wanted
