"""The documentation says what is there: links, commands, targets, names, examples."""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Folders of one machine; a path in a text must be relative to the project.
LOCAL = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|farm)/")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".csv", ".json", ".yml", ".yaml", ".txt", ".html", ".j2"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match[1] in languages:
            yield match[2]


def commands(page: Path, program: str) -> Iterator[str]:
    """What follows the program's name in the page's shell blocks and inline code."""
    text = page.read_text(encoding="utf-8")
    shell = "\n".join(blocks(page, "sh", "bash", "shell", "console", "text", ""))
    inline = "\n".join(re.findall(r"`([^`\n]+)`", FENCE.sub("", text)))
    pattern = rf"^\s*(?:\$ )?{program} ([a-z][\w-]*)"
    yield from re.findall(pattern, f"{shell}\n{inline}", re.MULTILINE)


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_there_is_documentation() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "docs/guides/batch.md"} <= names


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(anchor_of, headings), f"{page.name} links to {target}"


def command_names() -> set[str]:
    import typer.main

    from hilum.cli import app

    return set(getattr(typer.main.get_command(app), "commands", {}))


@pages
def test_commands_exist(page: Path) -> None:
    assert set(commands(page, "hilum")) <= command_names()


@pages
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    assert {"setup", "check", "test", "demo", "golden", "bench", "docs"} <= targets
    assert set(commands(page, "make")) <= targets


@pages
def test_python_examples_parse_and_import(page: Path) -> None:
    for block in blocks(page, "python", "py"):
        code = re.sub(r"^(>>>|\.\.\.) ?", "", block, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hilum"):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "hilum":
                assert hasattr(importlib.import_module("hilum"), node.attr), node.attr


def tracked_files() -> list[Path]:
    """Files that belong to the project; new ones too, ignored ones not."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone to list the project's files")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_path_of_one_machine_is_written_down() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked_files()
        if file.is_file() and (file.suffix in TEXT_SUFFIXES or file.name in ("Makefile", "run"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if LOCAL.search(line) and file != Path(__file__).resolve()
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_every_command_explains_itself() -> None:
    for name in sorted(command_names()):
        done = subprocess.run(
            [sys.executable, "-c", "from hilum.cli import main; main()", name, "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
            check=False,
        )
        assert done.returncode == 0, f"hilum {name} --help: {done.stderr}"
        assert "Usage" in done.stdout
