"""The storage listener: C-ECHO and C-STORE (PS3.4 annexes A and B, PS3.7).

The network's thread only checks and stores; pixels are decoded by the workers. An association
that breaks off leaves the instances that were acknowledged, and nothing of the one under way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined,unused-ignore]
from sqlalchemy.exc import SQLAlchemyError

from hilum.errors import (
    InvalidStudyError,
    InvalidValueError,
    ResourceLimitError,
    StorageError,
    UnreadableImageError,
)
from hilum.serve.files import MEGABYTE
from hilum.serve.intake import receive_instance
from hilum.serve.network.connections import NEGOTIATION_SECONDS, Connections
from hilum.serve.network.tls import make_server_tls
from hilum.serve.service import Service
from hilum.serve.settings import Settings

__all__ = ["Listener", "start_listener"]

LOG = logging.getLogger(__name__)

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Statuses of C-STORE (PS3.4 table B.2-1)."""

IDLE_SECONDS = 60.0
MAX_PDU_BYTES = 65536
OUTCOMES = {
    evt.EVT_ACCEPTED: "accepted",
    evt.EVT_REJECTED: "rejected",
    evt.EVT_RELEASED: "released",
    evt.EVT_ABORTED: "aborted",
}


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener that runs."""

    port: int
    stop: Callable[[], None]


def start_listener(
    service: Service, observe: Callable[[str], None] = lambda outcome: None
) -> Listener:
    """Listen for associations in threads of its own.

    Args:
        service: The service.
        observe: Told what becomes of each association: ``accepted`` or ``rejected``, later
            ``released`` or ``aborted``.

    Raises:
        InvalidValueError: The port is taken, the TLS files cannot be used, or others can reach
            the listener and nobody was named who may call.
    """
    settings = service.settings
    if not settings.is_loopback and not settings.calling_ae_titles:
        raise InvalidValueError(
            "other machines can reach the DICOM listener: name who may call with calling_ae_titles"
        )
    entity = _make_entity(settings)
    connections = Connections(settings.max_instance_mb * MEGABYTE + MAX_PDU_BYTES)
    handlers: list[Any] = [
        (evt.EVT_C_ECHO, lambda event: SUCCESS),
        (evt.EVT_C_STORE, _store, [service]),
        *connections.handlers,
    ]
    for kind, outcome in OUTCOMES.items():
        handlers.append((kind, lambda event, outcome: observe(outcome), [outcome]))
    try:
        server = entity.start_server(
            (settings.host, settings.dicom_port),
            block=False,
            evt_handlers=handlers,
            ssl_context=make_server_tls(settings, is_dicom=True),
        )
    except OSError as error:
        raise InvalidValueError(
            f"the DICOM listener cannot start on port {settings.dicom_port}: {error}"
        ) from error
    assert server is not None

    def stop() -> None:
        server.shutdown()  # nobody comes any more
        connections.end_waiting()
        entity.shutdown()

    return Listener(int(server.server_address[1]), stop)


def _make_entity(settings: Settings) -> Any:
    entity = AE(ae_title=settings.ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(settings.calling_ae_titles)
    entity.maximum_associations = settings.max_associations
    entity.maximum_pdu_size = MAX_PDU_BYTES
    entity.acse_timeout = NEGOTIATION_SECONDS
    entity.dimse_timeout = entity.network_timeout = IDLE_SECONDS
    entity.add_supported_context(Verification)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
    return entity


def _store(event: Any, service: Service) -> int:
    caller = str(event.assoc.requestor.ae_title).strip()
    mover = str(event.request.MoveOriginatorApplicationEntityTitle or "").strip()
    source, origin = f"dicom:{caller}"[:64], "received"
    if mover == service.settings.ae_title.strip():  # by a C-MOVE of our own
        source, origin = "archive", "prior"
    try:
        receive_instance(service, event.encoded_dataset(), source=source, origin=origin)
    except (StorageError, ResourceLimitError) as error:
        LOG.warning("an instance was not taken: %s", error)
        return OUT_OF_RESOURCES
    except InvalidStudyError as error:
        LOG.warning("an instance was not taken: %s", error)
        return MISMATCH
    except UnreadableImageError as error:
        LOG.warning("an instance was not taken: %s", error)
        return CANNOT_UNDERSTAND
    except SQLAlchemyError as error:  # its message may quote what was to be stored
        LOG.error("an instance was not taken: %s", type(error).__name__)
        return OUT_OF_RESOURCES
    return SUCCESS
