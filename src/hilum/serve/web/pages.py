"""The viewer's files, and the page that stands for them until they are built."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from hilum.types import DISCLAIMER

__all__ = ["Pages", "viewer_folder"]

NOT_BUILT = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Hilum</title></head>
<body>
<h1>Hilum</h1>
<p>{DISCLAIMER}</p>
<p>The server runs, but its viewer was not built. Build it and start the server again:</p>
<pre>cd src/hilum/viewer
npm ci
npm run build</pre>
<p>The interface for programs is described at <a href="/openapi.json">/openapi.json</a>; how to
use it without the viewer stands in docs/guides/server.md.</p>
</body>
</html>
"""


def viewer_folder() -> Path:
    """Where the viewer's built files are, or would be."""
    return Path(str(resources.files("hilum"))) / "viewer" / "dist"


class BuiltFiles(StaticFiles):
    """Files of a build: what has its hash in its name is kept by the browser for ever.

    Chromium keeps the compiled code of such a script, too. The page that names the files, and
    whatever has a fixed name, is asked for each time.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with what may be kept of it."""
        answer = await super().get_response(path, scope)
        is_hashed = path.startswith("assets/") and answer.status_code in (200, 304)
        kept = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        answer.headers["cache-control"] = kept
        return answer


class Pages:
    """The files of a folder, known from the start: what is not among them is not static."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or viewer_folder()
        files = self.folder.rglob("*") if (self.folder / "index.html").is_file() else ()
        self.paths = frozenset(
            f"/{file.relative_to(self.folder).as_posix()}" for file in files if file.is_file()
        )

    @property
    def is_built(self) -> bool:
        """Whether there is a viewer."""
        return "/index.html" in self.paths

    def has(self, path: str) -> bool:
        """Whether this path is the start page or a file of the viewer."""
        return path == "/" or path in self.paths

    def mount(self, app: Starlette) -> None:
        """Serve the files, or the page that says how to build them, at ``/``."""
        if self.is_built:
            app.mount("/", BuiltFiles(directory=self.folder, html=True), name="viewer")
            return

        async def explain(request: object) -> HTMLResponse:
            del request
            return HTMLResponse(NOT_BUILT)

        app.add_route("/", explain, include_in_schema=False)
