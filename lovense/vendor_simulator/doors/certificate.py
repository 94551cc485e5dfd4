"""The certificate of the phone's https server: made when it starts, kept in memory, trusted by
nobody who is not told to."""

import base64
import hashlib
import ssl
from dataclasses import dataclass

NAMES = ("*.lovense.club", "localhost", "127.0.0.1")


class NoCertificate(Exception):
    """Https needs the package trustme, which is installed for development and tests only."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`authority` is what a client has to trust, as PEM; `spki` the base64 SHA-256 of the public
    key, as Chromium's --ignore-certificate-errors-spki-list wants it."""

    context: ssl.SSLContext
    authority: bytes
    spki: str


def made() -> Certificate:
    """Raises NoCertificate."""
    try:
        import trustme  # a test dependency: the product itself makes no certificates
    except ModuleNotFoundError:
        raise NoCertificate(
            "https for the phone needs the package trustme, which the development install has; "
            "without it: --no-https"
        ) from None
    authority = trustme.CA()
    own = authority.issue_cert(*NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.configure_cert(context)
    return Certificate(context, authority.cert_pem.bytes(), _spki(own.cert_chain_pems[0].bytes()))


def _spki(pem: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(pem).public_key()
    told = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(told).digest()).decode()
