"""What stands before a server that speaks no TLS itself: it ends TLS and passes bytes on."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

from certificates import Pair


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tls_front(pair: Pair, port: int) -> Iterator[int]:
    """A port of loopback that speaks TLS with ``pair`` and leads to ``port``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),  # a caller who does not trust us
                context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", port)) as inside,
            ):
                back = Thread(target=_copy, args=(inside, outside))
                back.start()
                _copy(outside, inside)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
