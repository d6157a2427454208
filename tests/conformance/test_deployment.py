"""The files of ``deploy/`` by the tools that read them: compose, systemd, and their own names."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from hilum.serve.settings import ENVIRONMENT_PREFIX, Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def find_compose() -> list[str]:
    """The compose that is installed, of the new kind or of the old."""
    if shutil.which("docker") and run("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("docker-compose is not installed")


def test_compose_reads_the_file(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    file = tmp_path / "deploy" / "compose.yaml"
    compose = find_compose()
    assert run(*compose, "-f", str(file), "config", "-q").returncode != 0  # hilum.env is missing
    shutil.copy(DEPLOY / "hilum.env.example", tmp_path / "deploy" / "hilum.env")
    done = run(*compose, "-f", str(file), "config")
    assert done.returncode == 0, done.stderr
    services = run(*compose, "-f", str(file), "config", "--services").stdout.split()
    assert sorted(services) == ["database", "hilum", "orthanc"]
    # what the compose file and hilum.env set is what the server takes
    found = dict(
        re.findall(rf"({ENVIRONMENT_PREFIX}\w+):\s*['\"]?([^'\"\n]+)['\"]?\s*$", done.stdout, re.M)
    )
    settings = load_settings(environment=found)
    assert settings.dicom_port == 11112
    assert settings.resolved_database_url.startswith("postgresql+psycopg://hilum:")
    assert settings.send_results_to == ("dicomweb",)


def test_every_variable_of_the_files_is_a_setting() -> None:
    known = {ENVIRONMENT_PREFIX + field.name.upper() for field in fields(Settings)}
    for file in DEPLOY.iterdir():
        named = set(re.findall(rf"{ENVIRONMENT_PREFIX}[A-Z_]+", file.read_text("utf-8")))
        assert named <= known, file.name


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "hilum.service").read_text("utf-8")
    assert "/opt/hilum/bin/hilum" in text
    unit = tmp_path / "hilum.service"
    unit.write_text(text.replace("/opt/hilum/bin/hilum", sys.executable))
    done = run("systemd-analyze", "verify", str(unit))
    ours = [line for line in done.stderr.splitlines() if "hilum.service" in line]
    assert not ours, done.stderr
    unit.write_text(text.replace("KillMode=mixed", "KillMode=perhaps"))
    assert "perhaps" in run("systemd-analyze", "verify", str(unit)).stderr


def test_the_image_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    wanted = tuple(int(part) for part in lowest.removeprefix(">=").split("."))
    versions = re.findall(r"FROM python:(\d+)\.(\d+)", text)
    assert versions
    assert all(tuple(map(int, version)) >= wanted for version in versions)
    command = re.search(r"HEALTHCHECK[^\n]*CMD \\\n\s+(\[.*\])\n", text)
    assert command is not None
    program, option, code = json.loads(command[1])
    assert (program, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
