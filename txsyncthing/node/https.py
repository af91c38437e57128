"""
The API's own TLS certificate: made when it is first needed, renewed shortly before it ends.

Source: reference 1.1 "GUI cert", "GUI cert renewal" (lib/api/api.go).
"""

from __future__ import annotations

import os
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

from txsyncthing.node.paths import Paths

LIFE = timedelta(days=820)
RENEW_BEFORE = timedelta(days=30)
_HOST_LETTERS = set(string.ascii_lowercase + string.digits + "-.")


def host_name(name: str) -> str:
    """The machine's name as a certificate may carry it."""
    return "".join(letter for letter in name.lower() if letter in _HOST_LETTERS) or "syncthing"


@implementer(IOpenSSLContextFactory)
class HttpsContext:
    """Twisted's face of one TLS context."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def getContext(self) -> SSL.Context:
        return self._context


def https_context(paths: Paths, host: str, now: datetime | None = None) -> HttpsContext:
    """
    The context for the API's listener; blocks for some milliseconds.

    :raises OSError: the pair cannot be read or written.
    :raises ValueError: a file exists but does not parse; it is not replaced.
    """
    _renew(paths, host, now or datetime.now(UTC))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    certificates = x509.load_pem_x509_certificates(paths.https_certificate_file.read_bytes())
    context.use_certificate(certificates[0])
    for other in certificates[1:]:
        context.add_extra_chain_cert(other)
    key = load_pem_private_key(paths.https_key_file.read_bytes(), None)
    context.use_privatekey(key)  # type: ignore[arg-type]
    context.check_privatekey()
    return HttpsContext(context)


def _renew(paths: Paths, host: str, now: datetime) -> None:
    """Make the pair, or make it anew if it is ours and ends soon; a user's own is never touched."""
    certificate, key = paths.https_certificate_file, paths.https_key_file
    if certificate.exists() or key.exists():
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        if not _ours(old) or old.not_valid_after_utc - now > RENEW_BEFORE:
            return
    new_certificate, new_key = _make(host_name(host), now)
    _write(key, new_key, 0o600)
    _write(certificate, new_certificate, 0o644)


def _ours(certificate: x509.Certificate) -> bool:
    if certificate.issuer != certificate.subject:
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return True
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    allowed = {str(name.value) for name in common}
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return not addresses and len(hosts) <= 1 and set(hosts) <= allowed


def _make(host: str, now: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Syncthing"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Automatically Generated"),
            x509.NameAttribute(NameOID.COMMON_NAME, host),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), pem


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
