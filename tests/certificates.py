"""A certification authority of the test's own, made when it is asked for."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
KEY_FORMAT = serialization.PrivateFormat.PKCS8


@dataclass(frozen=True)
class Pair:
    """Files of a certificate and its private key (PEM)."""

    certificate: str
    key: str


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self.folder = folder
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            **dict.fromkeys(
                (
                    *("digital_signature", "content_commitment", "key_encipherment"),
                    *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
                ),
                False,
            ),
            key_cert_sign=True,
            crl_sign=True,
        )
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(usage, True)
        file = folder / f"{name.replace(' ', '-')}.pem"
        file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        self.file = str(file)

    def _builder(
        self, subject: x509.Name, key: rsa.RSAPublicKey, days: int = 7
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=self._name)
        builder = builder.public_key(key).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=30))
        builder = builder.not_valid_after(now + dt.timedelta(days=days))
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, False)
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)

    def issue(
        self, name: str, *, host: str = "127.0.0.1", days: int = 7, passphrase: str = ""
    ) -> Pair:
        """A pair that names ``host``; it is valid for ``days``, or no more if they are negative."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        try:
            names: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            names = x509.DNSName(host)
        builder = self._builder(subject, key.public_key(), days)
        builder = builder.add_extension(x509.SubjectAlternativeName([names]), False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        certificate, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        encryption = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        secret.write_bytes(key.private_bytes(PEM, KEY_FORMAT, encryption))
        return Pair(str(certificate), str(secret))
