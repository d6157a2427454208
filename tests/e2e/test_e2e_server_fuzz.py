"""Requests made up from the OpenAPI description: whatever comes, the server does not fail.

``HILUM_FUZZ_EXAMPLES`` sets how many requests a route gets (10 in CI; 500 for an hour's run).
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from hilum.serve.web.app import create_app
from serve_web import add_study, make_service, running, store_reading

EXAMPLES = int(os.environ.get("HILUM_FUZZ_EXAMPLES", "10"))
STUDY: dict[str, str] = {}


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The API of a running server with one study that was read."""
    service = make_service(tmp_path_factory.mktemp("server"), requests_per_minute=10_000_000)
    STUDY["id"] = add_study(service)
    store_reading(service, STUDY["id"])
    with running(create_app(service)) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", timeout=120)
        # a stream that never ends has a test of its own
        yield schema.exclude(path="/api/v1/events")
    service.close()


@pytest.mark.slow
def test_no_request_makes_the_server_fail(description: Any) -> None:
    statuses: dict[str, set[int]] = {}
    with requests.Session() as session:
        for found in description.get_all_operations():
            operation = found.ok()
            seen = statuses.setdefault(operation.label, set())
            make_check(operation, session, seen)()
    assert len(statuses) > 20
    # requests got through to where something is read, not only to the door
    for label in ("GET /api/v1/studies", "GET /api/v1/studies/{study_id}/reading"):
        assert 200 in statuses[label], statuses


def make_check(operation: Any, session: requests.Session, seen: set[int]) -> Callable[[], None]:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        if "study_id" in (case.path_parameters or {}) and case.method != "DELETE":
            case.path_parameters["study_id"] = STUDY["id"]
        answer = case.call(session=session)
        seen.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0] == "application/problem+json"

    return check
