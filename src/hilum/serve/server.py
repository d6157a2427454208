"""``hilum serve``: HTTP, the DICOM listener and the workers, started and stopped together."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
from sqlalchemy import text

from hilum.errors import HilumError, InvalidValueError, StorageError, require
from hilum.serve import heartbeat, intake, jobs, studies
from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.network.archive import parse_peer
from hilum.serve.network.credentials import read_credentials
from hilum.serve.network.delivery import deliver_due
from hilum.serve.network.scp import start_listener
from hilum.serve.network.tls import make_archive_tls, make_server_tls
from hilum.serve.service import Service, open_service
from hilum.serve.settings import Settings
from hilum.serve.supervisor import Supervisor
from hilum.serve.web.app import create_app
from hilum.serve.web.metrics import Metrics

__all__ = ["Running", "serve", "start"]

LOG = logging.getLogger(__name__)
TICK_SECONDS = 0.5
RETENTION_EVERY_TICKS = 120
_SERVER_LOCK = 4_842_021

Task = Callable[[Service], Any]
Plan = Callable[[int], tuple[Task, ...]]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: where it is reached."""

    url: str
    dicom_port: int | None
    service: Service
    supervisor: Supervisor


def serve(settings: Settings, on_start: Callable[[Running], None] | None = None) -> None:
    """Run the server until SIGINT or SIGTERM; what is being read is finished first.

    Raises:
        StorageError: Folder or database cannot be used, or another server uses them.
        InvalidValueError: A port is taken, or the settings would leave the server open.
    """
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    with start(settings) as running:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, ask_to_stop)
        _spool_beside(running.service)
        if on_start is not None:
            on_start(running)
        while not stop.wait(1.0):
            pass


def _spool_beside(service: Service) -> None:
    """Uploads under way lie on the disk of the data, whose free space is watched.

    The process is the server's own here, so its folder for temporary files is, too.
    """
    folder = service.settings.data / "incoming"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed server left
    folder.mkdir(mode=0o700)
    tempfile.tempdir = str(folder.resolve())


@contextlib.contextmanager
def start(settings: Settings) -> Iterator[Running]:
    """Start everything; it is stopped in reverse order when the block ends."""
    _check_archive(settings)
    with contextlib.ExitStack() as stack:
        service = open_service(settings)
        stack.callback(service.close)
        stack.enter_context(_only_server(service))
        jobs.prepare(service)
        jobs.adopt_orphans(service)
        heartbeat.forget(service)
        supervisor = Supervisor(settings)
        listening = stack.enter_context(_listen(settings))
        metrics = Metrics(service)
        routers = (dicomweb_router(service),)
        app = create_app(service, supervisor, routers=routers, metrics=metrics)
        supervisor.start()
        stack.callback(supervisor.stop)
        stack.enter_context(_ticking(service, _housekeeping))
        # an archive may be slow: what comes in does not wait for what goes out
        stack.enter_context(_ticking(service, lambda _: (deliver_due,)))
        dicom_port = None
        if settings.dicom_port >= 0:
            listener = start_listener(service, metrics.observe_association)
            stack.callback(listener.stop)
            dicom_port = listener.port
        stack.enter_context(_answering(app, listening, settings))
        scheme = "https" if settings.tls_certificate else "http"
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        yield Running(f"{scheme}://{shown}:{port}", dicom_port, service, supervisor)


def _check_archive(settings: Settings) -> None:
    """A mistake is said now, not with the first study."""
    read_credentials(settings)
    make_archive_tls(settings)
    if not settings.archive_ae:
        return
    title = parse_peer(settings.archive_ae).title
    if settings.archive_retrieve == "move" and settings.calling_ae_titles:
        require(
            title in settings.calling_ae_titles,
            f"archive_retrieve = move: the archive calls as {title!r}; name it in "
            "calling_ae_titles",
        )


@contextlib.contextmanager
def _only_server(service: Service) -> Iterator[None]:
    """One server for a data folder and for a database: two would complete studies twice."""
    problem = "another Hilum server uses this {}; stop it, or give this one its own"
    with (service.settings.data / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageError(problem.format("data folder")) from error
        if service.engine.dialect.name != "postgresql":
            yield
            return
        with service.engine.connect() as connection:
            query = text(f"SELECT pg_try_advisory_lock({_SERVER_LOCK})")
            if not connection.execute(query).scalar():
                raise StorageError(problem.format("database"))
            connection.commit()
            yield


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise InvalidValueError(
            f"port {settings.port} of {settings.host} cannot be used ({error.strerror}); "
            "choose another with --port"
        ) from error
    with listening:
        yield listening


@contextlib.contextmanager
def _answering(app: Any, listening: socket.socket, settings: Settings) -> Iterator[None]:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    config.load()
    config.ssl = make_server_tls(settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="http")
    thread.start()
    try:
        yield
    finally:
        app.state.stopping.set()
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def _ticking(service: Service, plan: Plan) -> Iterator[None]:
    """Do what ``plan`` says for each tick, whatever becomes of it."""
    stop = threading.Event()

    def tick() -> None:
        count = 0
        while not stop.wait(TICK_SECONDS):
            for task in plan(count):
                try:
                    task(service)
                except HilumError as error:
                    LOG.warning("%s: %s", task.__name__, error)
                except Exception as error:  # the next tick may do better; the server goes on
                    LOG.error("%s: %s", task.__name__, type(error).__name__)
            count += 1

    thread = threading.Thread(target=tick, name="ticker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _housekeeping(count: int) -> tuple[Task, ...]:
    """Complete studies at every tick, delete what is too old now and then."""
    is_due = count % RETENTION_EVERY_TICKS == 0
    return (intake.complete_due, studies.delete_expired) if is_due else (intake.complete_due,)
