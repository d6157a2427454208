"""An association with an archive: who it is, by TLS or not, and what went wrong in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from pynetdicom import AE, evt

from hilum.errors import ArchiveError, InvalidValueError
from hilum.serve.network.tls import ArchiveTls, describe_problem, make_archive_tls
from hilum.serve.settings import Settings

__all__ = ["PENDING", "SUCCESS", "Peer", "associate", "parse_peer", "require_success"]

PENDING = (0xFF00, 0xFF01)
SUCCESS = 0x0000


class Peer(NamedTuple):
    """An application entity: title, host and port."""

    title: str
    host: str
    port: int


def parse_peer(text: str) -> Peer:
    """Read ``AETITLE@host:port``.

    >>> parse_peer("ORTHANC@127.0.0.1:4242")
    Peer(title='ORTHANC', host='127.0.0.1', port=4242)

    Raises:
        InvalidValueError: It has another form.
    """
    match = re.fullmatch(r"([^@\\]{1,16})@([^:@]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", text.strip())
    if not match or not 1 <= int(match[3]) <= 65535:
        raise InvalidValueError(f"archive_ae got {text!r}, expected AETITLE@host:port")
    return Peer(match[1], match[2].strip("[]"), int(match[3]))


@contextmanager
def associate(
    settings: Settings,
    peer: Peer,
    contexts: Sequence[tuple[Any, Sequence[Any]]],
    *,
    roles: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Any]:
    """An association that is released when the block ends.

    Args:
        settings: Own title, time limit, and TLS where ``archive_tls`` says so.
        peer: The archive.
        contexts: Presentation contexts: an abstract syntax with transfer syntaxes, of which none
            stands for the uncompressed ones.
        roles: SCP/SCU role selections.
        handlers: Of pynetdicom's events.

    Raises:
        ArchiveError: There is no association, or it breaks off.
        InvalidValueError: The TLS files cannot be used.
    """
    entity = AE(ae_title=settings.ae_title)
    seconds = settings.archive_timeout_seconds
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = seconds
    entity.connection_timeout = seconds
    for abstract, syntaxes in contexts:
        entity.add_requested_context(abstract, *([syntaxes] if syntaxes else []))
    tls = make_archive_tls(settings) if settings.archive_tls else None
    # a peer that stops in the midst of a message would be waited for without end
    limit = (evt.EVT_CONN_OPEN, lambda event: event.assoc.dul.socket.socket.settimeout(seconds))
    try:
        association = entity.associate(
            peer.host,
            peer.port,
            ae_title=peer.title,
            ext_neg=list(roles),
            evt_handlers=[limit, *handlers],
            tls_args=(tls, peer.host) if tls is not None else None,
        )
    except OSError as error:
        raise ArchiveError("the archive's host name is not known; check archive_ae") from error
    if not association.is_established:
        raise ArchiveError(_explain(association, tls))
    try:
        yield association
    except ValueError as error:  # no presentation context was accepted for it
        raise ArchiveError("the archive does not offer what was asked; allow it there") from error
    except RuntimeError as error:  # the association ended between two messages
        raise ArchiveError("the archive broke the association off") from error
    finally:
        if association.is_established:
            association.release()


def _explain(association: Any, tls: ArchiveTls | None) -> str:
    """Why there is no association."""
    if association.is_rejected:
        return "the archive refused the association; check host, port and application entity titles"
    problem = describe_problem(tls.problem) if tls is not None else ""
    if problem:
        return f"the archive cannot be spoken to by TLS: {problem}"
    if tls is not None:
        return "the archive does not answer by TLS; check host, port and archive_tls"
    return "the archive does not answer; check host, port and application entity titles"


def require_success(status: Any, operation: str) -> None:
    """Raise unless a response says success.

    Raises:
        ArchiveError: It says something else, or there was none.
    """
    code = getattr(status, "Status", None)
    if code is None:
        raise ArchiveError(f"the archive did not answer the {operation} in time")
    if code != SUCCESS:
        raise ArchiveError(f"the archive answered the {operation} with status 0x{code:04X}")
