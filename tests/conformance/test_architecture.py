"""The shape of the source: direction of imports, silence, size, what is installed."""

import ast
import importlib
import importlib.metadata
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import hilum

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "hilum"
# the viewer is TypeScript; what npm puts there is not ours
VIEWER = SOURCE / "viewer"
FILES = sorted(file for file in SOURCE.rglob("*.py") if VIEWER not in file.parents)
ROOM_ORDER = (
    ("_version", "errors", "geometry", "types", "ontology"),
    ("io", "models", "text", "synth"),
    ("quality", "anatomy", "findings", "alignment", "gaze", "enhance"),
    ("report", "qa"),
    ("reading",),
    ("evaluate", "export"),
    ("train", "scale", "serve", "teach"),
    ("cli",),
)
LAYER = {room: layer for layer, rooms in enumerate(ROOM_ORDER) for room in rooms}
HEAVY = ("torch", "onnxruntime", "cv2", "pydicom", "scipy", "pyarrow")
MAX_LINES = 500


def room_of(file: Path) -> str:
    """The room of a source file; the package's own __init__ is the room ``hilum``."""
    first = file.relative_to(SOURCE).parts[0]
    return "hilum" if first == "__init__.py" else first.removesuffix(".py")


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def imported_modules(file: Path) -> Iterator[tuple[str, int]]:
    """Absolute names of everything imported anywhere in the file, with the line."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: import from hilum by its full name"
            if node.module == "hilum":
                yield from ((f"hilum.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module or "", node.lineno


def imported_rooms(file: Path) -> Iterator[tuple[str, int]]:
    for name, line in imported_modules(file):
        if name.startswith("hilum."):
            room = name.split(".")[1]
            yield ("_version" if room == "__version__" else room), line


def may_import(importer: str, imported: str) -> bool:
    """Downwards only; within the lowest layer from left to right; train only from cli."""
    if importer == imported:
        return True
    if imported == "train":
        return importer == "cli"
    if imported not in LAYER:
        return False
    if LAYER[importer] == LAYER[imported] == 0:
        rooms = ROOM_ORDER[0]
        return rooms.index(imported) < rooms.index(importer)
    return LAYER[imported] < LAYER[importer]


@pytest.mark.parametrize(
    ("importer", "imported", "is_allowed"),
    [
        ("io", "types", True),
        ("types", "errors", True),
        ("errors", "types", False),
        ("io", "models", False),
        ("findings", "reading", False),
        ("reading", "report", True),
        ("cli", "train", True),
        ("scale", "train", False),
        ("scale", "export", True),
        ("scale", "nowhere", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, is_allowed: bool) -> None:
    assert may_import(importer, imported) is is_allowed


def test_every_room_has_a_place() -> None:
    assert {room_of(file) for file in FILES} - {"hilum"} <= set(LAYER)


def test_imports_point_in_one_direction() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {room_of(file)} imports {imported}"
        for file in FILES
        if room_of(file) != "hilum"
        for imported, line in imported_rooms(file)
        if not may_import(room_of(file), imported)
    ]
    assert not wrong, "\n".join(wrong)


def is_output(node: ast.AST) -> bool:
    """Whether the node writes to the terminal: print, a rich Console, sys.stdout or stderr."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("print", "Console")
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "sys" and node.attr in ("stdout", "stderr")
    return False


def test_only_the_command_line_prints() -> None:
    assert is_output(ast.parse("print(1)", mode="eval").body)
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in FILES
        if room_of(file) != "cli"
        for node in ast.walk(tree_of(file))
        if is_output(node) and isinstance(node, ast.expr)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_is_longer_than_a_reader_bears() -> None:
    folders = (ROOT / "src", ROOT / "tests", ROOT / "benchmarks")
    lengths = {
        file.relative_to(ROOT): len(file.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for file in folder.rglob("*.py")
    }
    assert not {file: lines for file, lines in lengths.items() if lines > MAX_LINES}


def test_no_drawer_for_everything() -> None:
    names = {part for file in FILES for part in file.relative_to(SOURCE).with_suffix("").parts}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc"}


def loaded_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("statement", ["import hilum", "import hilum.cli"])
def test_importing_is_light(statement: str) -> None:
    assert not loaded_after(statement) & set(HEAVY)


def module_names() -> list[str]:
    """Every module that can be imported; Alembic runs the scripts of migrations itself."""
    names = [info.name for info in pkgutil.walk_packages(hilum.__path__, "hilum.")]
    return [name for name in names if ".migrations." not in name]


def test_everything_but_training_does_without_torch() -> None:
    names = [name for name in module_names() if not name.startswith("hilum.train")]
    assert "hilum.reading" in names
    statement = "import importlib\n" + "\n".join(
        f"importlib.import_module({name!r})" for name in names if not name.endswith("__main__")
    )
    assert not loaded_after(statement) & {"torch", "timm", "monai", "sklearn", "torchvision"}


def test_the_public_names_are_explicit_and_there() -> None:
    assigned = [
        node
        for node in tree_of(SOURCE / "__init__.py").body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    ]
    assert len(assigned) == 1
    assert isinstance(assigned[0].value, ast.List | ast.Tuple), "a literal list"
    assert len(set(hilum.__all__)) == len(hilum.__all__) <= 20
    for name in hilum.__all__:
        assert getattr(hilum, name) is not None
    star: dict[str, object] = {}
    exec("from hilum import *", star)
    assert set(hilum.__all__) <= set(star)


def test_every_room_names_what_it_offers() -> None:
    for room in sorted(SOURCE.glob("*/__init__.py")):
        if room.parent.name == "train":  # needs torch
            continue
        module = importlib.import_module(f"hilum.{room.parent.name}")
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"


def pyproject() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def bare_name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def base_closure() -> set[str]:
    """Names of everything that ``pip install hilum`` brings, as installed here."""
    dependencies = pyproject()["project"]["dependencies"]
    assert isinstance(dependencies, list)
    waiting, seen = [bare_name(requirement) for requirement in dependencies], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        waiting += [bare_name(need) for need in needs if "extra ==" not in need]
    return seen


def test_the_base_install_brings_no_training_framework() -> None:
    closure = base_closure()
    assert {"numpy", "onnxruntime", "pydicom"} <= closure
    unwanted = {"torch", "torchvision", "tensorflow", "jax", "timm", "monai", "scikit-image"}
    assert not closure & unwanted
    assert not [name for name in closure if name.startswith("nvidia-")]


def test_tables_and_weights_go_into_the_wheel() -> None:
    """Hatch packs all of src/hilum except what git ignores; so nothing there may be ignored."""
    hatch = pyproject()["tool"]["hatch"]
    assert isinstance(hatch, dict)
    wheel = dict(hatch["build"]["targets"]["wheel"])
    assert wheel.pop("packages") == ["src/hilum"]
    assert wheel.pop("artifacts") == ["src/hilum/viewer/dist/**"]  # git ignores what npm builds
    left_out = wheel.pop("exclude")
    assert all(path.startswith("src/hilum/viewer/") for path in left_out)
    assert not wheel
    data = [
        file.relative_to(ROOT).as_posix()
        for file in SOURCE.rglob("*")
        if file.is_file() and file.suffix != ".pyc" and VIEWER not in file.parents
    ]
    assert {Path(name).suffix for name in data} >= {".csv", ".json", ".toml"}
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone to ask what is ignored")
    done = subprocess.run(
        [git, "check-ignore", "--no-index", "--stdin"],
        input="\n".join(data),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1, f"ignored, so missing from the wheel: {done.stdout}"
