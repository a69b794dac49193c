"""An authority of the tests' own, and the certificates it signs: good ones, and ones with a fault each."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates; `file` holds its own, for those that trust it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("An authority of the tests")
        self.file = directory / "authority.pem"
        self.file.write_bytes(_pem(_sign(self.name, self.name, self.key, self.key, (-1, 2), None)))

    def issue(
        self, label: str, days: tuple[int, int] = (-1, 30), host: str = "127.0.0.1", *, self_signed: bool = False
    ) -> tuple[Path, Path]:
        """The files of a certificate and its key; `days` from now is when it begins and ends."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(label)
        issuer, signer = (subject, key) if self_signed else (self.name, self.key)
        certificate, secret = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        certificate.write_bytes(_pem(_sign(subject, issuer, key, signer, days, host)))
        clear = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(*clear))
        return certificate, secret


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _sign(
    subject: x509.Name, issuer: x509.Name, key: Key, signer: Key, days: tuple[int, int], host: str | None
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
