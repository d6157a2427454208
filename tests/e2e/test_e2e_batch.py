"""``hilum batch`` as a user starts it: bad files, real radiographs, resumption, exit codes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hilum.ontology import finding_names
from hilum.scale import batch_schema

HILUM = Path(sys.executable).with_name("hilum")


def run_batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(HILUM), "batch", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment(), check=False
    )


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}


def read_rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in pq.read_table(out).to_pylist()}


@pytest.fixture
def bad_files(tmp_path: Path) -> Path:
    """A folder in which nothing is a chest radiograph, and most is no image."""
    folder = tmp_path / "bad"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    Image.new("L", (256, 256), 90).save(folder / "constant.png")
    Image.new("L", (1, 1)).save(folder / "pixel.png")
    (folder / "cut.png").write_bytes((folder / "noise.png").read_bytes()[:2000])
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "junk.jpg").write_bytes(b"junk" * 100)
    (folder / "text.md").write_text("passed over")
    return folder


def test_bad_files_end_as_rows_and_never_as_a_traceback(bad_files: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    done = run_batch(bad_files, "--out", out, "--workers", 2)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    rows = read_rows(out)
    assert set(rows) == {path.name for path in bad_files.iterdir()} - {"text.md"}
    assert not any(row["accepted"] for row in rows.values())
    for name in ("cut.png", "empty.dcm", "junk.jpg"):
        assert rows[name]["error"], name
        assert str(tmp_path) not in rows[name]["error"]
    for name in ("noise.png", "constant.png"):
        assert rows[name]["error"] is None, name
        assert rows[name]["reasons"], name
    assert {row["status_pneumonia"] for row in rows.values()} == {"not_assessed"}
    assert pq.read_schema(out).names == batch_schema().names
    assert "not for diagnosis" in done.stdout


def test_a_second_run_has_nothing_to_do(bad_files: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    run_batch(bad_files, "--out", out, "--workers", 1)
    before = read_rows(out)
    done = run_batch(bad_files, "--out", out, "--workers", 1)
    assert "6 files done before" in done.stdout
    assert read_rows(out) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere", "--out", "x.parquet"], 2, "nowhere"),
        ([".", "--out", "x.csv"], 2, "OUT.parquet"),
        ([".", "--out", "x.parquet", "--model", "findings"], 2, "TASK=NAME"),
        ([".", "--out", "x.parquet", "--model", "findings=no-such"], 2, "no-such"),
        ([".", "--out", "x.parquet", "--model", "soul=hilum-gate"], 2, "soul"),
        ([".", "--out", "x.parquet", "--workers", "0"], 2, "workers"),
        ([".", "--out", "x.parquet", "--bogus"], 2, "bogus"),
        (["empty", "--out", "x.parquet"], 3, "nothing to read"),
    ],
)
def test_usage_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("a.png")
    Path("empty").mkdir()
    done = run_batch(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("x.parquet").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends an interrupt as a terminal does")
def test_ctrl_c_keeps_the_rows_and_the_next_run_goes_on(bad_files: Path, tmp_path: Path) -> None:
    image = Image.open(bad_files / "noise.png")
    for number in range(400):
        image.save(bad_files / f"noise-{number:03d}.png")
    out = tmp_path / "readings.parquet"
    process = subprocess.Popen(
        [str(HILUM), "batch", str(bad_files), "--out", str(out), "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    parts = tmp_path / "readings.parquet.parts"
    give_up = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < give_up and not any(parts.glob("*")):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert "Traceback" not in message
    assert process.returncode == 130, message
    assert "goes on from here" in message
    assert not out.exists()
    done = run_batch(bad_files, "--out", out, "--workers", 2)
    assert done.returncode == 3, done.stderr
    assert "files done before" in done.stdout
    assert len(read_rows(out)) == 406


@pytest.mark.data
def test_real_radiographs_by_manifest(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "dicom"
    names = sorted(path.name for path in folder.glob("*.dcm"))
    manifest = tmp_path / "list.csv"
    lines = [f"{folder / name},61,F" for name in names]
    manifest.write_text("\n".join(["file,age,sex", *lines]))
    out = tmp_path / "readings.parquet"
    done = run_batch(manifest, "--out", out, "--path-column", "file", "--workers", 2)
    assert done.returncode == 0, done.stderr
    rows = {Path(path).name: row for path, row in read_rows(out).items()}
    assert list(rows) == names
    for name, row in rows.items():
        assert row["accepted"] == name.startswith("chest_"), (name, row["reasons"], row["error"])
        if row["accepted"]:
            assert row["view"] == "PA"
            assert 0.3 < row["cardiothoracic_ratio"] < 0.7
            assert row["carina_x"] > 0
            assert row["carina_y"] > 0
            assert 0.0 <= row["prob_no_finding"] <= 1.0
        else:
            assert row["reasons"] or row["error"]
            assert all(row[f"prob_{finding}"] is None for finding in finding_names())
