"""TLS for HTTP, for the DICOM listener and towards an archive, after BCP 195 (RFC 8996, RFC 9325).

TLS 1.3, or TLS 1.2 with ephemeral keys and authenticated ciphers; nothing older, no renegotiation.
In DICOM's terms this is the profile of PS3.15 B.12.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from hilum.errors import InvalidValueError
from hilum.serve.settings import Settings

__all__ = ["ArchiveTls", "describe_problem", "make_archive_tls", "make_server_tls"]

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Suites of TLS 1.2 (RFC 9325, 4.2); those of TLS 1.3 are all as good."""


class _ListenerTls(ssl.SSLContext):
    """The handshake waits for the first read, which the thread of the association does.

    Within ``accept`` it would keep all others waiting for a caller that says nothing. The time
    limit is that of the connection.
    """

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        options["do_handshake_on_connect"] = False
        return super().wrap_socket(sock, *args, **options)


class _ArchiveSocket(ssl.SSLSocket):
    """Keeps what went wrong: the DICOM library only says that there is no association."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError as error:
            self._keep(error)
            raise

    def recv(self, *args: Any, **options: Any) -> bytes:
        """TLS 1.3 says only now that a client certificate was missing."""
        try:
            return super().recv(*args, **options)
        except ssl.SSLError as error:
            self._keep(error)
            raise

    def _keep(self, error: OSError) -> None:
        assert isinstance(self.context, ArchiveTls)
        self.context.problem = self.context.problem or error


class ArchiveTls(ssl.SSLContext):
    """A client's context for one archive; ``problem`` is the first failure of its sockets."""

    problem: OSError | None = None


def make_server_tls(settings: Settings, *, is_dicom: bool = False) -> ssl.SSLContext | None:
    """The context of a listener, or None where no certificate is set.

    Args:
        settings: ``tls_certificate``, ``tls_key`` and, for DICOM, ``tls_client_ca``.
        is_dicom: Whether callers must show a certificate of ``tls_client_ca``.

    Raises:
        InvalidValueError: A file cannot be read, or key and certificate do not match.
    """
    if not settings.tls_certificate:
        return None
    context = (_ListenerTls if is_dicom else ssl.SSLContext)(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    _load_pair(context, "tls", settings.tls_certificate, settings.tls_key)
    if is_dicom and settings.tls_client_ca:
        _load_authorities(context, "tls_client_ca", settings.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def make_archive_tls(settings: Settings) -> ArchiveTls:
    """The context towards the archive, for DICOM and for DICOMweb.

    Its certificate has to be signed by ``archive_ca`` (by the system's authorities without it)
    and to name its host, unless ``archive_checks_host`` is false.

    Raises:
        InvalidValueError: A file cannot be read, or key and certificate do not match.
    """
    context = ArchiveTls(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.sslsocket_class = _ArchiveSocket
    context.check_hostname = settings.archive_checks_host
    if settings.archive_ca:
        _load_authorities(context, "archive_ca", settings.archive_ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if settings.archive_certificate:
        _load_pair(context, "archive", settings.archive_certificate, settings.archive_key)
    return context


def describe_problem(error: BaseException | None) -> str:
    """What failed in TLS and what to do, found along the causes of ``error``; empty for others."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({error.verify_message}); "
                "check archive_ca and the host name"
            )
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "").lower().replace("_", " ")
            if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
                return (
                    f"it does not accept the client certificate ({reason}); "
                    "check archive_certificate and archive_key"
                )
            if error.reason is None:  # by TLS 1.3 a refused certificate may show as no more
                return (
                    "it closed the connection; check the port, and whether it asks for a client "
                    "certificate (archive_certificate)"
                )
            return f"TLS failed ({reason}); check the port, and that it speaks TLS 1.2 or newer"
        if isinstance(error, TimeoutError):
            return "the TLS handshake took too long; check the port"
        inner = getattr(error, "reason", None)  # urllib3 keeps it there
        nested = next((a for a in error.args if isinstance(a, BaseException)), None)
        if isinstance(inner, BaseException):
            error = inner
        else:
            error = nested or error.__cause__ or error.__context__
    return ""


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION


def _load_pair(context: ssl.SSLContext, name: str, certificate: str, key: str) -> None:
    def refuse() -> str:  # or the library asks the terminal for a passphrase
        raise InvalidValueError(
            f"{name}_key is encrypted; give a key without a passphrase that only Hilum can read"
        )

    try:
        context.load_cert_chain(certificate, key, refuse)
    except ssl.SSLError as error:
        raise InvalidValueError(
            f"{name}_certificate and {name}_key cannot be used ({error.reason or 'no PEM'}); "
            "expected a PEM chain and its private key"
        ) from error
    except OSError as error:
        raise InvalidValueError(
            f"{name}_certificate or {name}_key cannot be read: {error.strerror}"
        ) from error


def _load_authorities(context: ssl.SSLContext, name: str, file: str) -> None:
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise InvalidValueError(f"{name} holds no PEM certificate") from error
    except OSError as error:
        raise InvalidValueError(f"{name} cannot be read: {error.strerror}") from error
