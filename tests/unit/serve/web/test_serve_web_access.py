"""Who may do what: every route that the API describes, by every role; nothing by default."""

import json
import re
from pathlib import Path

import pytest
from fastapi import APIRouter

from hilum.errors import InvalidValueError
from hilum.serve import audit
from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from hilum.serve.web.security import create_token, find_rule, revoke_token
from serve_web import add_study, make_client, make_service, store_reading

ALL = {"reader", "submitter", "admin"}
ALLOWED = {
    "GET /health/live": None,
    "GET /health/ready": None,
    "GET /api/v1/session": None,
    "POST /api/v1/session": None,
    "DELETE /api/v1/session": None,
    "GET /api/v1/session/provider": None,
    "GET /api/v1/session/provider/callback": None,
    "GET /metrics": ALL,
    "GET /api/v1/me": ALL,
    "GET /api/v1/events": ALL,
    "GET /api/v1/jobs": ALL,
    "GET /api/v1/audit": {"admin"},
    "GET /api/v1/audit/verify": {"admin"},
    "GET /api/v1/studies": {"reader", "admin"},
    "POST /api/v1/studies": {"submitter", "admin"},
    "GET /api/v1/studies/{study_id}": {"reader", "admin"},
    "DELETE /api/v1/studies/{study_id}": {"admin"},
    "GET /api/v1/studies/{study_id}/reading": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/masks/{name}": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/heatmaps/{image}/{name}": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/report.html": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/report.txt": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/fhir": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/objects.zip": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/images/{number}/dicom": {"reader", "admin"},
    "POST /api/v1/studies/{study_id}/reword": {"reader", "admin"},
    "GET /api/v1/studies/{study_id}/feedback": {"reader", "admin"},
    "POST /api/v1/studies/{study_id}/feedback": {"reader", "admin"},
    "POST /api/v1/studies/{study_id}/retry": ALL,
}
"""The intended matrix, written apart from the server's own table."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return make_service(tmp_path_factory.mktemp("server"))


def operations(service: Service) -> list[tuple[str, str]]:
    schema = create_app(service, routers=(dicomweb_router(service),)).openapi()
    return [
        (method.upper(), path) for path, methods in schema["paths"].items() for method in methods
    ]


def allowed(method: str, path: str) -> set[str] | None:
    if path.startswith("/dicom-web"):
        return {"submitter" if method == "POST" else "reader", "admin"}
    return ALLOWED[f"{method} {path}"]


def fill(path: str) -> str:
    path = re.sub(r"\{(study|series|instance)(_uid)?\}", "1.2", path)
    values = {"study_id": "0" * 32, "image": "1", "name": "a.png", "number": "1", "numbers": "1"}
    values["tag"] = "7FE00010"
    return path.format(**values)


def test_the_matrix_covers_every_route(service: Service) -> None:
    names = {f"{m} {p}" for m, p in operations(service) if not p.startswith("/dicom-web")}
    assert names == set(ALLOWED)


def test_every_route_by_every_role(service: Service) -> None:
    clients, routers = {}, (dicomweb_router(service),)
    for role in sorted(ALL):
        _, token = create_token(service, user=f"test {role}", roles=[role], days=1)
        clients[role] = make_client(service, token, routers=routers)
    anonymous = make_client(service, routers=routers)
    for method, path in operations(service):
        roles = allowed(method, path)
        if path == "/api/v1/events":
            continue  # never ends; its rule is checked below
        answer = anonymous.request(method, fill(path))
        assert (answer.status_code == 401) == (roles is not None), path
        for role, client in clients.items():
            answer = client.request(method, fill(path))
            is_refused = answer.status_code in (401, 403)
            assert is_refused == (roles is not None and role not in roles), (method, path, role)
    rule = find_rule("GET", "/api/v1/events")
    assert rule is not None
    assert rule.roles == frozenset(ALL)
    assert anonymous.get("/api/v1/events").status_code == 401


def test_a_route_without_a_rule_is_not_reachable(service: Service) -> None:
    router = APIRouter()

    @router.get("/api/v1/forgotten")
    def forgotten() -> str:
        return "secret"

    answer = make_client(service, routers=(router,)).get("/api/v1/forgotten")
    assert answer.status_code in (401, 404)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "path", ["//api/v1/studies", "/api/v1/studies/", "/API/v1/studies", "/api/v1/studies%2f"]
)
def test_other_spellings_of_a_path_do_not_get_around_the_rule(service: Service, path: str) -> None:
    _, token = create_token(service, user="submitter", roles=["submitter"], days=1)
    assert make_client(service).get(path).status_code in (401, 404)
    assert make_client(service, token).get(path).status_code in (403, 404)


def test_a_server_for_others_does_not_start_without_anybody_known(tmp_path: Path) -> None:
    service = make_service(tmp_path, host="0.0.0.0")
    with pytest.raises(InvalidValueError, match="hilum serve token create"):
        create_app(service)
    create_token(service, user="admin", roles=["admin"], days=1)
    assert make_client(service).get("/api/v1/me").status_code == 401


def test_revoked_and_unknown_tokens_are_refused(service: Service) -> None:
    token_id, token = create_token(service, user="gone", roles=["admin"], days=1)
    client = make_client(service, token)
    assert client.get("/api/v1/me").json()["user"] == "gone"
    revoke_token(service, token_id)
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="hilum"')
    for wrong in ("hilum_guess", "guess", "Basic abc", ""):
        assert make_client(service, wrong).get("/api/v1/me").status_code == 401


def test_who_saw_a_patient_stands_in_the_audit_log(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    study = add_study(service)
    store_reading(service, study)
    _, reader = create_token(service, user="Dr. Who", roles=["reader"], days=1)
    _, submitter = create_token(service, user="robot", roles=["submitter"], days=1)
    make_client(service, reader).get(f"/api/v1/studies/{study}/reading")
    make_client(service, reader).get("/api/v1/studies?q=PHANTOM")
    make_client(service, submitter).get(f"/api/v1/studies/{study}")
    entries = audit.read_entries(service, limit=3)
    seen = [(e.user, e.action, e.object, e.detail["status"]) for e in reversed(entries)]
    assert seen == [
        ("Dr. Who", "view reading", study, 200),
        ("Dr. Who", "list studies", "/api/v1/studies", 200),
        ("robot", "denied: view study", study, 403),
    ]
    assert "PHANTOM" not in json.dumps([e.detail for e in entries])
    assert audit.verify(service).broken_at is None


def test_what_cannot_be_recorded_is_not_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = add_study(service)
    _, token = create_token(service, user="reader", roles=["reader"], days=1)
    client = make_client(service, token)

    def fail(*args: object, **detail: object) -> int:
        raise RuntimeError("PHANTOM^ONE")

    monkeypatch.setattr(audit, "record", fail)
    answer = client.get(f"/api/v1/studies/{study}")
    assert answer.status_code == 500
    assert "PHANTOM" not in answer.text
