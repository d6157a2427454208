"""``hilum deidentify`` as a subprocess on DICOM files made in memory."""

import json
import subprocess
import sys

import pydicom
import pytest

from image_factory import dicom_bytes, ramp

START = "from hilum.cli import main; main()"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", START, "deidentify", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"0123456789abcdef0123456789abcdef")
    return path


def test_copies_carry_no_identity_and_read_the_same(tmp_path, secret):
    folder = tmp_path / "Whitfield"
    folder.mkdir()
    for number in range(2):
        data = dicom_bytes(ramp(40, 36), PatientName="Whitfield^Aurelio", InstanceNumber=number)
        (folder / f"{number}.dcm").write_bytes(data)
    (folder / "notes.txt").write_text("no DICOM")
    done = run(folder, "--out", tmp_path / "clean", "--secret-file", secret)
    assert done.returncode == 0, done.stderr
    assert "2 copied" in done.stderr
    copies = sorted((tmp_path / "clean").glob("*.dcm"))
    assert len(copies) == 2
    for copy in copies:
        assert b"Whitfield" not in copy.read_bytes()
        dataset = pydicom.dcmread(copy)
        assert dataset.PatientIdentityRemoved == "YES"
        assert copy.stem == dataset.SOPInstanceUID
        assert (dataset.pixel_array == ramp(40, 36)).all()
    lines = (tmp_path / "clean" / "audit.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert sum("error" in entry for entry in entries) == 1
    assert "Whitfield" not in "".join(lines)


def test_wrong_usage_and_nothing_readable(tmp_path, secret):
    (tmp_path / "a.txt").write_text("x")
    file, out = tmp_path / "a.txt", tmp_path / "o"
    assert run(file, "--out", out, "--secret-file", secret).returncode == 3
    assert run(tmp_path / "none", "--out", out, "--secret-file", secret).returncode == 2
    done = run(file, "--out", out, "--secret-file", secret, "--option", "keep_everything")
    assert done.returncode == 2
    assert "keep_everything" in done.stderr
    (tmp_path / "short").write_bytes(b"x")
    assert run(file, "--out", out, "--secret-file", tmp_path / "short").returncode == 2
