"""``hilum serve``: run the server; ``hilum serve token`` makes tokens for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.serve_tokens import app as token_app

__all__ = ["app"]

app = typer.Typer(help="Read what comes in over DICOM and HTTP.", invoke_without_command=True)
app.add_typer(token_app, name="token")


@app.callback()
def serve(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the database and the files.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port of HTTP.")
    ] = None,
    dicom_port: Annotated[
        int | None, typer.Option("--dicom-port", min=0, max=65535, help="Port of DICOM.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes that read.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; hilum.toml where there is one.")
    ] = None,
) -> None:
    """Run the server until Ctrl-C: HTTP API, DICOMweb, DICOM listener and reading room.

    For research and teaching only, not for diagnosis. Without settings it listens on
    127.0.0.1 only, keeps its state in ./hilum-data and reads with one worker.
    """
    if context.invoked_subcommand is not None:
        return
    from hilum.serve import load_settings
    from hilum.serve.server import Running
    from hilum.serve.server import serve as run
    from hilum.serve.web.logs import configure_logs
    from hilum.types import DISCLAIMER

    def announce(running: Running) -> None:
        typer.echo(f"Hilum answers at {running.url}")
        if running.dicom_port is not None:
            typer.echo(f"DICOM: {settings.ae_title} on port {running.dicom_port}")
        typer.echo(DISCLAIMER)

    settings = load_settings(
        config, data=data, host=host, port=port, dicom_port=dicom_port, workers=workers
    )
    configure_logs()
    run(settings, announce)
