"""Sign-in in Chromium: the real server, real tokens, a provider that really signs."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hilum.serve import audit
from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from hilum.serve.web.pages import Pages
from hilum.serve.web.security import create_token, revoke_token
from identity_provider import CLIENT, Issuer
from serve_web import add_study, make_service, running, store_reading

pytestmark = pytest.mark.browser

AXE = Pages().folder.parent / "node_modules" / "axe-core" / "axe.min.js"
SIZES = [(1366, 768), (768, 1024), (390, 780)]
Open = Callable[..., Any]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    if not Pages().is_built:
        pytest.skip("needs the built viewer: npm ci && npm run build in src/hilum/viewer")
    service = make_service(tmp_path)
    study = add_study(service)
    store_reading(service, study)
    yield service
    service.close()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    with running(create_app(service)) as address:
        yield address


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open an address; fails on script errors, blocked content and what the console says.

    Chromium itself reports every refused request: those that a test provokes are let pass.
    """
    seen: list[str] = []
    contexts = []

    def check(message: Any) -> None:
        expected = "the server responded with a status of 4"
        if message.type in ("error", "warning") and expected not in message.text:
            seen.append(message.text)

    def open_at(place: str, size: tuple[int, int] = SIZES[0], language: str = "en-GB") -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=language
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", check)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(place)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [text for text in seen if "WebGL" not in text] == []


def make_token(service: Service, *roles: str, user: str = "Dr. Ada") -> tuple[str, str]:
    return create_token(service, user=user, roles=roles or ("reader",), days=1)


def sign_in(page: Any, token: str) -> None:
    page.locator("#signin-token").fill(token)
    page.locator(".signin form button").click()


def keep_picture(page: Any, name: str) -> None:
    folder = os.environ.get("HILUM_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.jpg"), type="jpeg", quality=80)


def test_in_and_out(service: Service, url: str, open_page: Open) -> None:
    _, token = make_token(service)
    page = open_page(url)
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.locator("table").count() == 0
    sign_in(page, "hilum_wrong")
    page.get_by_role("alert").get_by_text("not known here").wait_for()
    sign_in(page, token)
    page.locator("tbody a[data-study]").wait_for()
    page.locator(".live.on").wait_for()  # events come with the cookie, too
    assert page.evaluate("document.cookie") == ""
    assert token not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    page.reload()
    page.locator("tbody a[data-study]").click()
    page.wait_for_selector(".overlay:not(.empty)")  # and so does the DICOM file
    page.locator(".account summary").click()
    sheet = page.locator(".account .sheet")
    assert "Dr. Ada" in sheet.inner_text()
    assert "Reader" in sheet.inner_text()
    assert "Session ends" in sheet.inner_text()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    assert page.locator(".study").count() == 0
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()
    actions = [row.action for row in audit.read_entries(service, limit=200)]
    assert {"sign in", "sign out", "denied: sign in", "download image"} <= set(actions)


def test_a_revoked_token_ends_the_page_and_keeps_what_was_written(
    service: Service, url: str, open_page: Open
) -> None:
    token_id, token = make_token(service)
    page = open_page(url)
    sign_in(page, token)
    page.locator("tbody a[data-study]").click()
    page.wait_for_selector(".overlay:not(.empty)")
    page.locator(".sentence").first.click()
    page.locator(".sentences textarea").fill("Mine alone.")
    page.locator(".sentences textarea").press("Enter")
    page.locator(".sentences .mine").wait_for()
    revoke_token(service, token_id)  # nobody touches the page
    page.get_by_text("the session has ended or was revoked").wait_for()
    assert page.locator(".study").count() == 0
    assert "PHANTOM" not in page.locator("body").inner_text()
    _, again = make_token(service)
    sign_in(page, again)
    page.locator(".sentences .mine", has_text="Mine alone.").wait_for()  # the same study
    page.get_by_role("button", name="Save report").click()
    page.locator(".judgements li", has_text="report edited").wait_for()


def test_the_first_token_shuts_out_an_open_page(
    service: Service, url: str, open_page: Open
) -> None:
    page = open_page(url)
    page.locator("tbody a[data-study]").wait_for()
    page.locator(".account summary").click()
    page.get_by_text("asks nobody to sign in").wait_for()
    make_token(service)
    page.get_by_role("heading", name="Sign in").wait_for()


def test_the_page_offers_what_the_role_allows(service: Service, url: str, open_page: Open) -> None:
    pages = {}
    for role in ("reader", "submitter", "admin"):
        _, token = make_token(service, role, user=role)
        pages[role] = open_page(url)
        refused: list[str] = []
        pages[role].on(
            "response",
            lambda answer, refused=refused: answer.status == 403 and refused.append(answer.url),
        )
        sign_in(pages[role], token)
        pages[role].locator("main .worklist").wait_for()
        has_button = pages[role].get_by_role("button", name="Add study").count() == 1
        assert has_button == (role != "reader")
        pages[role].keyboard.press("u")
        assert (pages[role].locator("dialog.upload").count() == 1) == (role != "reader")
        pages[role].wait_for_load_state()
        assert refused == []
    assert pages["submitter"].get_by_role("heading", name="Queue").count() == 1
    assert "PHANTOM" not in pages["submitter"].locator("main").inner_text()


def test_other_pages_cannot_forge(service: Service, url: str, open_page: Open) -> None:
    """A page of another port of this machine: the same site, so the cookie goes along."""
    _, token = make_token(service, "admin")
    with Issuer() as stranger:
        page = open_page(url)
        sign_in(page, token)
        study = page.locator("tbody a[data-study]").get_attribute("data-study")
        page.goto(f"{stranger.url}/authorize?a=b")
        with page.expect_response(lambda answer: answer.url.endswith("/retry")) as forged:
            page.evaluate(
                """place => {
                  const form = document.createElement('form');
                  [form.method, form.action] = ['post', place];
                  document.body.append(form);
                  form.submit();
                }""",
                f"{url}/api/v1/studies/{study}/retry",
            )
        assert "hilum=" in forged.value.request.all_headers()["cookie"]
        assert forged.value.status == 403
        page.wait_for_url("**/retry")
        page.goto(url)
        page.locator("tbody .tag.read").wait_for()  # not queued again
    assert "retry study" not in {row.action for row in audit.read_entries(service)}


def test_at_the_provider(tmp_path: Path, open_page: Open) -> None:
    if not Pages().is_built:
        pytest.skip("needs the built viewer: npm ci && npm run build in src/hilum/viewer")
    with Issuer("localhost") as issuer:  # another site than 127.0.0.1
        service = make_service(tmp_path, oidc_issuer=issuer.url, oidc_client_id=CLIENT)
        study = add_study(service)
        store_reading(service, study)
        with running(create_app(service)) as url:
            page = open_page(f"{url}/#/studies/{study}")
            page.get_by_role("link", name="Sign in at localhost").click()
            page.locator("#approve").click()
            page.get_by_role("heading", name="Worklist").or_(page.locator(".study")).wait_for()
            page.goto(f"{url}/#/studies/{study}")
            page.wait_for_selector(".overlay:not(.empty)")
            assert "ada" in page.locator(".account").inner_text()
            assert page.evaluate("document.cookie") == ""
            page.locator(".account summary").click()
            page.get_by_role("button", name="Sign out").click()
            page.get_by_text("You are signed out.").wait_for()
            issuer.nonce = "of another question"
            page.get_by_role("link", name="Sign in at localhost").click()
            page.locator("#approve").click()
            page.get_by_role("alert").get_by_text("did not confirm who you are").wait_for()
            assert page.url == f"{url}/"
            issuer.nonce = None
            issuer.person = {"preferred_username": "eve"}
            page.get_by_role("link", name="Sign in at localhost").click()
            page.locator("#approve").click()
            page.get_by_text("have no role on this server").wait_for()
        service.close()


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en-GB", "Sign in"),
        ("es-ES", "Iniciar sesión"),
        ("de-DE", "Anmelden"),
        ("fr-FR", "Connexion"),
    ],
)
def test_the_page_is_accessible_in_every_language(
    tmp_path: Path, open_page: Open, language: str, title: str
) -> None:
    if not Pages().is_built:
        pytest.skip("needs the built viewer: npm ci && npm run build in src/hilum/viewer")
    with Issuer() as issuer:
        service = make_service(tmp_path, oidc_issuer=issuer.url, oidc_client_id=CLIENT)
        with running(create_app(service)) as url:
            for size in SIZES if language == "en-GB" else SIZES[-1:]:
                page = open_page(url, size=size, language=language)
                page.get_by_role("heading", name=title).wait_for()
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                footer = page.locator(".disclaimer").bounding_box()
                assert footer["y"] + footer["height"] <= size[1]
                sign_in(page, "hilum_wrong")
                page.locator(".signin .error:not(:empty)").wait_for()
                keep_picture(page, f"sign_in_{language[:2]}_{size[0]}")
                if AXE.is_file():
                    page.evaluate(AXE.read_text("utf-8"))
                    found = page.evaluate("async () => (await axe.run(document)).violations")
                    assert [f"{v['id']}: {v['nodes'][0]['target']}" for v in found] == []
        service.close()


def test_a_hospital_of_readers_signs_in_at_once(service: Service, url: str) -> None:
    """Right attempts are not counted, however many come from one address (a proxy's)."""
    _, token = make_token(service)
    statuses: list[int] = []

    def attempt() -> None:
        answer = httpx.post(
            f"{url}/api/v1/session",
            json={"token": token},
            headers={"x-hilum-request": "1"},
            timeout=60,
        )
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
