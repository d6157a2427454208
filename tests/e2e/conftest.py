"""What several end-to-end tests share: the browser, pages of the viewer, certificates."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from certificates import Authority, Pair
from viewer_server import CHROMIUM_ARGUMENTS, DIST, Held, ViewerServer, fill_server

CHROMIUM = os.environ.get("HILUM_CHROMIUM") or shutil.which("chromium") or ""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a page; one a module, since Playwright keeps an event loop meanwhile."""
    if not CHROMIUM:
        pytest.skip("needs Chromium: apt-get install chromium, or set HILUM_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates for one module's tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Pair:
    """Hilum's own certificate and key."""
    return authority.issue("hilum")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ViewerServer, Held]]:
    if not (DIST / "index.html").is_file():
        pytest.skip("needs the built viewer: npm ci && npm run build in src/hilum/viewer")
    with ViewerServer(tmp_path_factory.mktemp("viewer")) as server:
        yield server, fill_server(server)


@pytest.fixture
def open_page(browser: Any, served: tuple[ViewerServer, Held]) -> Iterator[Open]:
    """Open the viewer; fails on errors, blocked content and requests to elsewhere."""
    server, _ = served
    seen: list[str] = []
    pages = []

    def check_request(sent: Any) -> None:
        if not sent.url.startswith((server.url, "blob:", "data:")):
            seen.append(sent.url)

    def check_console(message: Any) -> None:
        # Chromium reports every 404 itself; a finding without a heat map has none
        if message.type in ("error", "warning") and "WebGL" not in message.text:
            seen.append(message.text)

    def open_at(
        place: str = "",
        size: tuple[int, int] = (1366, 768),
        language: str = "en-GB",
        **options: Any,
    ) -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=language, **options
        )
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.on("request", check_request)
        page.on("console", check_console)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(server.url + place)
        pages.append(context)
        return page

    yield open_at
    for context in pages:
        context.close()
    assert seen == []


@pytest.fixture
def open_study(open_page: Open, served: tuple[ViewerServer, Held]) -> Open:
    """Open the study with a prior and wait until both of its images are drawn."""

    def open_at(**options: Any) -> Any:
        page = open_page(f"#/studies/{served[1].id}", **options)
        page.wait_for_selector(".overlay:not(.empty) polygon.region", state="attached")
        return page

    return open_at
