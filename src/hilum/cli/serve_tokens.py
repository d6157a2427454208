"""``hilum serve token``: make, list and revoke the tokens of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.serve import Service

__all__ = ["app"]

app = typer.Typer(help="Make, list and revoke tokens.", no_args_is_help=True)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the server's database and files.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; hilum.toml where there is one.")
]


@contextmanager
def _opened(data: Path | None, config: Path | None) -> Iterator[Service]:
    from hilum.serve import load_settings, open_service

    service = open_service(load_settings(config, data=data))
    try:
        yield service
    finally:
        service.close()


@app.command()
def create(
    role: Annotated[
        list[str], typer.Option("--role", help="reader, submitter or admin; repeatable.")
    ],
    user: Annotated[str, typer.Option("--user", help="Whom the audit log names.")],
    days: Annotated[int, typer.Option("--days", help="After how many days it ends.")] = 90,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a token and print it, once: the server keeps only its hash."""
    from hilum.serve.web.security import create_token

    with _opened(data, config) as service:
        token_id, token = create_token(service, user=user, roles=role, days=days)
    typer.echo(token)
    typer.echo(
        f"Token {token_id} of {user!r} ends in {days} days. It is not shown again. A server "
        "on this data folder asks for tokens from now on, without a restart.",
        err=True,
    )


@app.command("list")
def list_command(data: DataOption = None, config: ConfigOption = None) -> None:
    """List the tokens by id; the tokens themselves are not known."""
    from rich.console import Console
    from rich.table import Table

    from hilum.serve.database.tables import now
    from hilum.serve.web.security import list_tokens

    with _opened(data, config) as service:
        rows = list_tokens(service)
    table = Table("id", "user", "roles", "ends", "state", box=None, pad_edge=False)
    for row in rows:
        ends = f"{row.expires_at:%Y-%m-%d}" if row.expires_at else "never"
        is_over = row.expires_at is not None and row.expires_at <= now()
        state = "revoked" if row.is_revoked else "expired" if is_over else "valid"
        table.add_row(row.id, row.user, " ".join(row.roles), ends, state)
    if rows:
        Console(width=120).print(table)
    typer.echo(f"{len(rows)} tokens")


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The id that `list` shows.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """End a token at once; a running server notices."""
    from hilum.serve.web.security import revoke_token

    with _opened(data, config) as service:
        revoke_token(service, token_id)
    typer.echo("revoked")
