"""A certificate for this machine, by a local authority that has signed nothing else: `TLS=1`.

The authority's key is dropped once it has signed. A thief with the instance folder can pass for this site, and cannot
sign for any other, though the user's browsers trust the authority.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app import secret_file

AUTHORITY = "authority.pem"  # for browsers to trust
_SITE = "site.pem"  # the site's key, its certificate, and the authority's
_LIFE = timedelta(days=820)  # Apple's browsers accept 825
_REST = timedelta(days=30)
_SLOW_CLOCKS = timedelta(days=1)
_EVERYWHERE = ("localhost", "127.0.0.1", "::1")


def furnish(folder: Path, hosts: Iterable[str], now: datetime | None = None) -> Path:
    """Return the file with the key and the certificate for *hosts* and this machine. Raises OSError, and ValueError for a damaged file.

    It is made once, and again only when it expires within a month or lacks one of the hosts.
    """
    now = now or datetime.now(UTC)
    names = {_name(host) for host in (*_EVERYWHERE, *hosts)}
    file = folder / _SITE
    if file.exists() and not _fits(file.read_bytes(), names, now):
        file.unlink()
    authority = _certificates(secret_file.read(file, lambda: _make(names, now)))[-1].public_bytes(Encoding.PEM)
    if secret_file.read(folder / AUTHORITY, lambda: authority) != authority:
        (folder / AUTHORITY).write_bytes(authority)
    return file


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


def _fits(content: bytes, names: set[x509.GeneralName], now: datetime) -> bool:
    certificate = _certificates(content)[0]
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names <= set(named) and now + _REST < certificate.not_valid_after_utc


def _certificates(content: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(content)


def _make(names: set[x509.GeneralName], now: datetime) -> bytes:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _called(f"Signed Out, for this machine alone, {now:%Y-%m-%d %H:%M:%S}")
    authority = (
        _draft(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _draft(_called("Signed Out"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(sorted(names, key=str)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _draft(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=name,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _SLOW_CLOCKS,
        not_valid_after=now - _SLOW_CLOCKS + _LIFE,
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
