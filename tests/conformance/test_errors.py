"""One exception tree: complete, catchable both ways, and the only thing that is raised."""

import ast
import builtins
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum import errors

SOURCE = Path(errors.__file__).parent
SOURCES = sorted(file for file in SOURCE.rglob("*.py") if "viewer" not in file.parts)
CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BaseException)
]
LEAVES = [error for error in CLASSES if error is not errors.HilumError]
# Python itself asks for these: in __getattr__, in iterators, at the end of a process.
PROTOCOL = {"AttributeError", "StopIteration", "KeyboardInterrupt"}
COMMAND_LINE = {"typer.Exit", "typer.BadParameter", "typer.Abort", "SystemExit"}


def test_every_error_is_exported() -> None:
    assert sorted(errors.__all__) == sorted(error.__name__ for error in CLASSES)


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_every_leaf_is_ours_and_a_builtin(error: type[Exception]) -> None:
    assert issubclass(error, errors.HilumError)
    own = {errors.HilumError, Exception, BaseException, object}
    builtin = [base for base in error.__mro__ if base.__module__ == "builtins" and base not in own]
    assert builtin, "a Python programmer expects a builtin such as ValueError"
    assert error.__doc__


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_survives_the_way_between_processes(error: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(error("got 3, expected 2")))
    assert type(copy) is error
    assert str(copy) == "got 3, expected 2"


def raised_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of the classes raised; ``raise``, ``raise error`` and factories are left out.

    A factory is a function of lower-case name that returns the error; what it makes is
    found where it is called as a constructor: all calls of exception classes count.
    """
    for node in ast.walk(tree):
        raised = node.exc if isinstance(node, ast.Raise) else None
        target = raised.func if isinstance(raised, ast.Call) else raised
        if target is not None:
            name = ast.unparse(target)
            if name.rpartition(".")[2][:1].isupper():
                yield name, node.lineno


def builtin_errors_made(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Builtin exceptions that are constructed anywhere, raised on the spot or returned."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = getattr(builtins, node.func.id, None)
            if isinstance(kind, type) and issubclass(kind, BaseException):
                yield node.func.id, node.lineno


def wrong_raises(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    allowed = set(errors.__all__) | {f"errors.{name}" for name in errors.__all__} | PROTOCOL
    if {"web", "dicomweb"} & set(file.relative_to(SOURCE).parts):
        allowed |= {"HTTPException"}  # a status that no error of ours stands for
    if "cli" in file.relative_to(SOURCE).parts:
        allowed |= COMMAND_LINE
    found = {*raised_names(tree), *builtin_errors_made(tree)}
    return [
        f"{file.relative_to(SOURCE)}:{line}: {name}"
        for name, line in sorted(found)
        if name not in allowed
    ]


def test_the_search_finds_what_it_looks_for() -> None:
    tree = ast.parse("raise ValueError('x')\nraise errors.Mine\nraise\nraise problem\nmake()")
    assert list(raised_names(tree)) == [("ValueError", 1), ("errors.Mine", 2)]
    assert list(builtin_errors_made(tree)) == [("ValueError", 1)]


def test_nothing_else_is_raised() -> None:
    wrong = [line for file in SOURCES for line in wrong_raises(file)]
    assert not wrong, "\n".join(wrong)


def test_no_other_exception_class_is_defined() -> None:
    known = {error.__name__ for error in CLASSES} | {"Exception", "BaseException"}
    wrong = [
        f"{file.relative_to(SOURCE)}:{node.lineno}: {node.name}"
        for file in SOURCES
        if file.name != "errors.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(
            base in known or base.endswith(("Error", "Exception"))
            for base in (ast.unparse(base).rpartition(".")[2] for base in node.bases)
        )
    ]
    assert not wrong, "\n".join(wrong)
