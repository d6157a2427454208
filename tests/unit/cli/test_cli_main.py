import subprocess
import sys
from types import ModuleType
from typing import Annotated, Any

import pytest
import typer

from hilum import __version__, cli, errors
from hilum.cli import COMMANDS, exit_code_of, main
from hilum.errors import HilumError

FAKE = "hilum.cli.fake_for_tests"


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command ``fake`` whose body a test chooses."""
    module = ModuleType(FAKE)
    bodies: dict[str, Any] = {}

    def command(words: Annotated[list[str] | None, typer.Argument()] = None) -> None:
        bodies["run"](words)

    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, FAKE, module)
    monkeypatch.setitem(COMMANDS, "fake", cli.Command(FAKE, "command", "Fake."))
    monkeypatch.delenv("HILUM_DEBUG", raising=False)

    def install(body: Any) -> None:
        bodies["run"] = body

    return install


def raiser(error: BaseException) -> Any:
    def body(words: list[str]) -> None:
        raise error

    return body


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in shown
        assert command.summary in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"hilum {__version__}\n"


@pytest.mark.parametrize("argv", [("nonsense",), ("--nonsense",), ("read",), ("read", "--nope")])
def test_wrong_usage(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == 2
    assert "Usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnreadableImageError("x"), 3),
        (errors.ResourceLimitError("x"), 3),
        (errors.InvalidStudyError("x"), 3),
        (errors.InvalidValueError("x"), 2),
        (errors.MissingModelError("x"), 2),
        (errors.MissingExtraError("x"), 2),
        (errors.ModelIntegrityError("x"), 1),
        # the server's, of which only these reach a command
        (errors.StorageError("x"), 1),
        (errors.ArchiveError("x"), 1),
    ],
)
def test_an_error_is_one_line_and_a_code(
    fake: Any, capsys: pytest.CaptureFixture[str], error: HilumError, code: int
) -> None:
    fake(raiser(error))
    assert exit_code_of(error) == code
    assert run("fake") == code
    assert capsys.readouterr().err == "error: x\n"


def test_every_error_was_thought_of() -> None:
    leaves = {name for name in errors.__all__ if name != "HilumError"}
    assert leaves == {
        "ArchiveError",
        "ConflictError",
        "ForbiddenError",
        "InvalidStudyError",
        "InvalidValueError",
        "MissingExtraError",
        "MissingModelError",
        "ModelIntegrityError",
        "ResourceLimitError",
        "StorageError",
        "UnauthorisedError",
        "UnknownStudyError",
        "UnreadableImageError",
    }


def test_the_unexpected_is_one_line_without_its_text(
    fake: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(raiser(KeyError("Doe^Jane")))
    assert run("fake") == 1
    shown = capsys.readouterr().err
    assert shown.startswith("error: unexpected KeyError")
    assert len(shown.splitlines()) == 1
    assert "HILUM_DEBUG=1" in shown
    assert "Doe" not in shown


def test_debug_lets_the_error_through(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(raiser(KeyError("x")))
    with pytest.raises(KeyError):
        main(["--debug", "fake"])
    monkeypatch.setenv("HILUM_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["fake"])


def test_an_interruption_is_quiet(fake: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake(raiser(KeyboardInterrupt()))
    assert run("fake") in (1, 130), "older typer says 1"
    assert "Traceback" not in capsys.readouterr().err


def test_arguments_reach_the_command(fake: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake(lambda words: typer.echo(repr(words)))
    assert run("fake", "a", "--", "-b") == 0
    assert capsys.readouterr().out == "['a', '-b']\n"


def test_the_app_itself_starts_the_real_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.app(["read", "--help"])
    assert stop.value.code == 0
    assert "--indication" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["--help"], ["read", "--help"]])
def test_help_loads_no_heavy_library(argv: list[str]) -> None:
    code = (
        "import sys\nfrom hilum.cli import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'pydicom', 'scipy', 'pyarrow', 'torch'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
