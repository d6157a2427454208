"""What a caller may do to the listener before and between messages: wait, send, go away."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import Any

from pynetdicom import evt

__all__ = ["NEGOTIATION_SECONDS", "Connections"]

LOG = logging.getLogger(__name__)
NEGOTIATION_SECONDS = 15.0
"""How long a caller may stop in the midst of a handshake or message."""
STOP_SECONDS = 5.0


class Connections:
    """The open connections of a listener.

    pynetdicom leaves a lost socket to the garbage collector, reads without a time limit, and
    keeps the place of a caller who went away before a request until the request's own time is
    over; a few lost connections would then shut all others out.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._limit = max_message_bytes
        self._received: dict[int, int] = {}
        self._open_ones: dict[int, tuple[Any, socket.socket]] = {}

    @property
    def handlers(self) -> list[Any]:
        """Event handlers for ``start_server``."""
        return [
            (evt.EVT_CONN_OPEN, self._open),
            (evt.EVT_DATA_RECV, self._count),
            (evt.EVT_DIMSE_RECV, lambda event: self._received.pop(id(event.assoc), None)),
            (evt.EVT_CONN_CLOSE, self._close),
        ]

    def end_waiting(self) -> None:
        """Close what has not asked for an association yet: pynetdicom could not abort it."""
        waiting = [
            known
            for known in list(self._open_ones.values())
            if known[0].requestor.primitive is None
        ]
        for _, connection in waiting:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for association, _ in waiting:
            association.join(STOP_SECONDS)

    def _open(self, event: Any) -> None:
        connection = event.assoc.dul.socket.socket
        connection.settimeout(NEGOTIATION_SECONDS)
        self._open_ones[id(event.assoc)] = event.assoc, connection

    def _close(self, event: Any) -> None:
        self._received.pop(id(event.assoc), None)
        known = self._open_ones.pop(id(event.assoc), None)
        if known is not None:
            known[1].close()
        if event.assoc.requestor.primitive is None:  # the thread still waits for a request
            event.assoc.dul.to_user_queue.put(None)

    def _count(self, event: Any) -> None:
        """Break off a caller whose one message grows beyond the limit: it is held in memory."""
        key = id(event.assoc)
        self._received[key] = self._received.get(key, 0) + len(event.data)
        if self._received[key] > self._limit:
            LOG.warning("an association was broken off: a message larger than allowed")
            self._received.pop(key, None)
            event.assoc.abort()
