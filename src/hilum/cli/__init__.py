"""The command line: ``hilum read``, ``batch``, ``serve``, ``text``, ``models``, ``train`` ...

Only the module of the command that is asked for is imported, so that every command
starts as fast as it can. Errors end here: a line on standard error and an exit code,
never a traceback unless ``--debug`` asks for it.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NamedTuple, NoReturn

import typer

from hilum._version import __version__
from hilum.errors import (
    HilumError,
    InvalidStudyError,
    InvalidValueError,
    MissingExtraError,
    MissingModelError,
    UnreadableImageError,
)

__all__ = ["app", "exit_code_of", "main"]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOTHING_READABLE = 3
EXIT_INTERRUPTED = 130


class Command(NamedTuple):
    """Where a command lives: a function or a Typer app of a module."""

    module: str
    attribute: str
    summary: str


COMMANDS = {
    "read": Command("hilum.cli.read", "read", "Read one study into a draft report."),
    "demo": Command("hilum.cli.demo", "demo", "Read a sample radiograph into report.html."),
    "batch": Command("hilum.cli.batch", "batch", "Read many radiographs into one table."),
    "text": Command("hilum.cli.text", "app", "Label, structure and de-identify reports."),
    "deidentify": Command(
        "hilum.cli.deidentify", "deidentify", "Copy DICOM files without identity."
    ),
    "phantom": Command("hilum.cli.phantom", "app", "Make radiographs with every truth known."),
    "evaluate": Command(
        "hilum.cli.evaluate", "app", "Measure a reader against the truth, compare two."
    ),
    "serve": Command("hilum.cli.serve", "app", "Read what comes in over DICOM and HTTP."),
    "models": Command("hilum.cli.models", "app", "List, show, verify and add models."),
    "train": Command("hilum.cli.train", "app", "Train the shipped models again."),
    "doctor": Command("hilum.cli.doctor", "doctor", "Check this installation."),
}


def build_app(wanted: str | None = None) -> typer.Typer:
    """The app with the command ``wanted`` loaded, all others known by their summary only."""
    root = typer.Typer(
        help=(
            "Hilum reads chest radiographs into draft reports. For research and teaching "
            "only. Not a medical device, not for diagnosis."
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    root.callback()(_global_options)
    for name, command in COMMANDS.items():
        if name != wanted:
            _mount_summary(root, name, command)
            continue
        loaded = getattr(importlib.import_module(command.module), command.attribute)
        if isinstance(loaded, typer.Typer):
            root.add_typer(loaded, name=name)
        else:
            root.command(name)(loaded)
    return root


def _mount_summary(root: typer.Typer, name: str, command: Command) -> None:
    """A stand-in for the help page; called all the same, it starts the real command."""
    settings = {
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "allow_interspersed_args": False,
        "help_option_names": [],
    }

    @root.command(name, help=command.summary, context_settings=settings)
    def stand_in(context: typer.Context) -> None:
        main([name, *context.args])


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"hilum {__version__}")
        raise typer.Exit


def _global_options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks (also: HILUM_DEBUG=1).")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show it.")
    ] = False,
) -> None:
    # Both are acted upon before the command runs: see main and _show_version.
    del debug, version


app = build_app()
"""Every command by its summary, none loaded: what completion and documentation read."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line.

    Raises:
        SystemExit: Always: 0 done, 1 failed, 2 wrong usage, 3 nothing readable, 130
            interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    wanted = next((a for a in arguments if not a.startswith("-")), None)
    flags = arguments[: arguments.index(wanted)] if wanted else arguments
    is_debug = "--debug" in flags or os.environ.get("HILUM_DEBUG", "") not in ("", "0")
    _prepare_streams(is_debug)
    try:
        build_app(wanted)(args=arguments, prog_name="hilum")
        sys.exit(0)
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except HilumError as error:
        if is_debug:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(exit_code_of(error))
    except Exception as error:
        if is_debug:
            raise
        # The message of a foreign error may hold patient data; its type does not.
        typer.echo(
            f"error: unexpected {type(error).__name__}; run again with HILUM_DEBUG=1 to see "
            "where it comes from, and please report it",
            err=True,
        )
        sys.exit(EXIT_FAILED)


def exit_code_of(error: HilumError) -> int:
    """3 for input that cannot be read, 2 for what the caller asked for, else 1.

    >>> exit_code_of(UnreadableImageError("truncated")), exit_code_of(MissingModelError("x"))
    (3, 2)
    """
    if isinstance(error, UnreadableImageError | InvalidStudyError):
        return EXIT_NOTHING_READABLE
    if isinstance(error, InvalidValueError | MissingModelError | MissingExtraError):
        return EXIT_USAGE
    return EXIT_FAILED


def _prepare_streams(is_debug: bool) -> None:
    """A terminal that cannot show a character, or a library's warning, must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if not is_debug and not sys.warnoptions:
        warnings.simplefilter("ignore")
