"""The certificates of a run: a test authority's, for what answers by HTTPS, and the B2C app registration's own."""

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_VALID_FOR = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """`ca_file` is what clients trust, and `trust` the tenant's own calls.

    `b2c_file` is the app's key and certificate, `b2c_key` checks its signatures.

    `loopback_file` is key and certificate for other programs that answer by HTTPS on loopback, such as Azurite.
    """

    ca_file: Path
    loopback_file: Path
    b2c_file: Path
    b2c_key: rsa.RSAPublicKey
    server: ssl.SSLContext
    trust: ssl.SSLContext


def make_certificates(directory: Path) -> Certificates:
    """Write `ca.pem`, `loopback.pem` and `b2c.pem` into `directory`, anew at each start."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    loopback_file = directory / "loopback.pem"
    loopback_file.touch(mode=0o600)
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(loopback_file)
    server.load_cert_chain(loopback_file)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    b2c_file = directory / "b2c.pem"
    # Entra takes RSA keys only, and trustme's own certificates are signed by an authority: this one signs itself.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    b2c_file.touch(mode=0o600)
    b2c_file.write_bytes(_key_pem(key) + _self_signed(key).public_bytes(serialization.Encoding.PEM))
    return Certificates(
        ca_file=ca_file,
        loopback_file=loopback_file,
        b2c_file=b2c_file,
        b2c_key=key.public_key(),
        server=server,
        trust=trust,
    )


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Entra Responder (B2C)")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _VALID_FOR)
        .sign(key, hashes.SHA256())
    )
