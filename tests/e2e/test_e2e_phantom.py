"""``hilum phantom`` as a subprocess: written, reproducible, readable by ``hilum read``."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from hilum.io import open_study

START = "from hilum.cli import main; main()"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def make(out, *arguments):
    done = run("phantom", "study", "--out", out, "--seed", 3, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads((out / "truth.json").read_text())


def test_a_study_is_written_with_its_truth_and_read(tmp_path):
    finding, device = "pleural_effusion:left:0.6", "endotracheal_tube:malpositioned"
    truth = make(tmp_path / "a", "--finding", finding, "--device", device)
    pixels = cv2.imread(str(tmp_path / "a" / "image.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16
    assert pixels.shape == (512, 512)
    (effusion,) = truth["findings"]
    assert (effusion["name"], effusion["side"], effusion["severity"]) == (
        "pleural_effusion",
        "left",
        "moderate",
    )
    x, y, width, height = effusion["box"]
    mask = cv2.imread(str(tmp_path / "a" / "masks" / "finding_1.png"), 0) > 127
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min()) == (x, y)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (width, height)
    assert truth["devices"][0]["is_correct"] is False
    again = make(tmp_path / "b", "--finding", finding, "--device", device)
    assert again == truth
    first, second = ((tmp_path / n / "image.png").read_bytes() for n in ("a", "b"))
    assert first == second
    done = run("read", tmp_path / "a" / "image.png", "--out", tmp_path / "read")
    assert done.returncode in (0, 3)  # the gate learned from real films and may refuse this one
    assert (tmp_path / "read" / "reading.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--finding", "sadness"), "sadness"),
        (("--finding", "nodule:left:much"), "number"),
        (("--finding", "nodule:up"), "side"),
        (("--device", "pacemaker:odd"), "malpositioned"),
        (("--device", "harpoon"), "harpoon"),
        (("--bits", "12"), "8 or 16"),
    ],
)
def test_wrong_usage_ends_with_2(tmp_path, arguments, message):
    done = run("phantom", "study", "--out", tmp_path / "o", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_dicom_study_with_a_lateral_view(tmp_path):
    make(tmp_path / "a", "--size", 96, "--format", "dicom", "--bits", 12, "--lateral")
    study = open_study([tmp_path / "a" / name for name in ("image.dcm", "lateral.dcm")])
    assert sorted(str(r.view) for r in study.radiographs) == ["LATERAL", "PA"]
    truth = json.loads((tmp_path / "a" / "lateral.json").read_text())
    assert truth["view"] == "LATERAL"
    assert (tmp_path / "a" / "lateral_masks" / "heart.png").is_file()


@pytest.mark.parametrize(("command", "count"), [("dataset", 2), ("patient", 1)])
def test_a_data_set_is_written_and_not_written_twice(tmp_path, command, count):
    arguments = ("phantom", command, "--out", tmp_path / "set", "--count", count, "--size", 64)
    done = run(*arguments, "--workers", 1)
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(tmp_path / "set" / "manifest.parquet").to_pylist()
    assert len(rows) >= 2  # two patients, or the studies of one
    assert len({row["patient"] for row in rows}) == count
    again = run(*arguments, "--workers", 1)
    assert again.returncode == 0
    assert f"{count} patients were done before" in again.stdout
    other = run(*arguments, "--seed", 5)
    assert other.returncode == 2
    assert "choose another --out" in other.stderr


def test_the_demo_reads_a_phantom(tmp_path):
    done = run("demo", "--phantom", "--out", tmp_path)
    assert done.returncode in (0, 3)  # the gate learned from real films and may refuse this one
    assert "What is true of the phantom" in done.stdout
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "phantom" / "truth.json").is_file()


def test_the_demo_reads_the_real_radiograph_where_its_wheel_is_installed(tmp_path):
    pytest.importorskip("data_store", reason="the pydicom-data wheel is not installed")
    done = run("demo", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "phantom").exists()
    assert (tmp_path / "report.html").is_file()
