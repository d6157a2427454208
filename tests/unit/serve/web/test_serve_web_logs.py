"""Tracebacks of libraries, which may quote what was sent, reach nobody."""

import io
import logging
from collections.abc import Iterator

import pytest

from hilum.serve.web.logs import QUIET, configure_logs, silence_libraries


@pytest.fixture
def restored() -> Iterator[None]:
    """The loggers as they were."""
    logs = [logging.getLogger(name) for name in (*QUIET, "hilum", "uvicorn")]
    before = [(log.handlers, log.level, log.propagate) for log in logs]
    yield
    for log, (handlers, level, propagate) in zip(logs, before, strict=True):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("name", QUIET)
def test_a_traceback_of_a_library_is_not_written(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for setup in (silence_libraries, lambda: configure_logs(io.StringIO())):
        setup()
        try:
            raise ValueError("PATIENT^NAME")
        except ValueError as error:
            logging.getLogger(name).exception(error)
    assert capfd.readouterr() == ("", "")
