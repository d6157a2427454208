"""``hilum evaluate`` as a subprocess: the two-minute path, masks, reports, answers, comparison."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hilum.synth import render, sample_spec

START = "from hilum.cli import main; main()"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", START, "evaluate", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_readings(folder: Path, *, noise: float, name: str = "readings.parquet") -> Path:
    rng = np.random.default_rng(4)
    rows = []
    for number in range(40):
        prob = float(np.clip((number % 2) * 0.5 + noise * rng.random(), 0, 1))
        rows.append(
            {
                "path": f"folder/film_{number}.png",
                "prob_pleural_effusion": prob if number != 7 else None,
                "status_pleural_effusion": "present" if prob >= 0.6 else "absent",
                "prob_edema": float(rng.random()),
                "status_edema": "uncertain",
                "prob_pneumothorax": None,
                "status_pneumothorax": "not_assessed",
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), folder / name)
    return folder / name


@pytest.fixture
def labels(tmp_path):
    rows = [
        {
            "image": f"images/film_{number}.png",
            "patient_id": f"p{number // 2}",
            "sex": "FM"[number % 4 // 2],
            "findings": "Effusion|Hernia" if number % 2 else "No Finding",
        }
        for number in range(41)
    ]
    return write_csv(tmp_path / "labels.csv", rows)


def test_the_two_minute_path(tmp_path, labels):
    readings = make_readings(tmp_path, noise=0.7)
    done = run(readings, "--truth", labels, "--out", tmp_path / "out", "--subgroup", "sex")
    assert done.returncode == 0, done.stderr
    assert "truth_without_prediction: 1" in done.stderr
    assert "finding_never_predicted:pneumothorax" in done.stderr
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    score = next(
        s
        for s in found["scores"]
        if s["metric"]["name"] == "auroc" and s["subject"] == "pleural_effusion"
    )
    assert 0.8 < score["value"] <= 1.0
    assert score["excluded"] == {"no_prediction": 1}
    assert len(found["groups"]) == 40
    page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 6
    assert "sex F" in page
    assert "<script" not in page
    assert "auroc" in (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")
    assert "\\midrule" in (tmp_path / "out" / "evaluation.tex").read_text(encoding="utf-8")


def test_two_systems_are_compared_or_refused(tmp_path, labels):
    for name, noise in (("good", 0.55), ("bad", 4.0)):
        readings = make_readings(tmp_path, noise=noise, name=f"{name}.parquet")
        done = run(readings, "--truth", labels, "--out", tmp_path / name, "--draws", 50)
        assert done.returncode == 0, done.stderr
    good, bad = (tmp_path / name / "evaluation.json" for name in ("good", "bad"))
    done = run("compare", bad, good, "--draws", 100)
    assert done.returncode == 0, done.stderr
    assert "auroc" in done.stdout
    changed = json.loads(good.read_text(encoding="utf-8"))
    for score in changed["scores"]:
        score["metric"]["version"] = 2
    good.write_text(json.dumps(changed), encoding="utf-8")
    refused = run("compare", bad, good)
    assert refused.returncode == 2
    assert "defined otherwise" in refused.stderr


def test_folders_of_masks(tmp_path):
    rng = np.random.default_rng(0)
    for side in ("found", "truth"):
        for image in ("a", "b"):
            folder = tmp_path / side / image
            folder.mkdir(parents=True)
            mask = np.zeros((40, 40), np.uint8)
            mask[8:30, 8 + int(rng.integers(3)) : 30] = 255
            if (side, image) != ("found", "b"):
                cv2.imwrite(str(folder / "left_lung.png"), mask)
    done = run("regions", tmp_path / "found", "--truth", tmp_path / "truth", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    dice = next(s for s in found["scores"] if s["metric"]["name"] == "dice")
    assert 0.4 < dice["value"] < 0.51  # one image near 1, one not found


def test_tables_of_boxes_and_of_values(tmp_path):
    boxes = [
        {"image": f"{n}.png", "label": "Opacity", "x": 5, "y": 5, "width": 10, "height": 10}
        for n in range(4)
    ]
    truth = write_csv(tmp_path / "truth.csv", boxes)
    found = write_csv(tmp_path / "found.csv", [{**b, "score": 0.9} for b in boxes[:3]])
    done = run("regions", found, "--truth", truth, "--out", tmp_path / "boxes", "--draws", 20)
    assert done.returncode == 0, done.stderr
    assert "image_without_found_box: 1" in done.stderr
    scores = json.loads((tmp_path / "boxes" / "evaluation.json").read_text())["scores"]
    hit = next(s for s in scores if s["metric"]["name"] == "hit_rate")
    assert hit["value"] == 0.75
    rows = [
        {"image": f"{n}.png", "ratio": 0.4 + n / 50, "carina_x": 5, "carina_y": n} for n in range(5)
    ]
    truth = write_csv(tmp_path / "values.csv", rows)
    found = write_csv(tmp_path / "mine.csv", [{**r, "ratio": r["ratio"] + 0.02} for r in rows])
    done = run("regions", found, "--truth", truth, "--out", tmp_path / "values", "--draws", 20)
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "values" / "evaluation.json").read_text())["scores"]
    error = next(s for s in scores if s["metric"]["name"] == "absolute_error")
    assert error["value"] == pytest.approx(0.02)


def test_reports_and_answers(tmp_path):
    rows = [
        {"id": 1, "patient": "a", "report": "Right effusion.", "reference": "Left effusion."},
        {"id": 2, "patient": "a", "report": "", "reference": "No acute disease."},
        {"id": 3, "patient": "b", "report": "Edema.", "reference": ""},
    ]
    table = write_csv(tmp_path / "reports.csv", rows)
    done = run("reports", table, "--out", tmp_path / "reports", "--draws", 20)
    assert done.returncode == 0, done.stderr
    assert "empty_reference: 1" in done.stderr
    page = (tmp_path / "reports" / "evaluation.html").read_text(encoding="utf-8")
    assert "wrong_location" in page
    answers = tmp_path / "answers.jsonl"
    lines = [
        {"id": "q1", "truth": "yes", "answer": "Yes.", "pair": "p", "confidence": 0.9},
        {"id": "q2", "truth": "no", "answer": "Yes.", "pair": "p", "confidence": 0.6},
        {"id": "q3", "truth": "B", "answer": "(b)", "form": "single_choice", "options": "x|y"},
    ]
    answers.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = run("answers", answers, "--out", tmp_path / "answers", "--draws", 20)
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "answers" / "evaluation.json").read_text())["scores"]
    values = {(s["metric"]["name"], s["subject"]): s["value"] for s in scores}
    assert values["accuracy", "all"] == pytest.approx(2 / 3)
    assert values["pair_accuracy", "all"] == 0.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"image": "a", "edema": 1}, {"image": "a", "edema": 0}], "more than once"),
        ([{"image": "a", "edema": "maybe"}], "row 1"),
        ([{"other": "film_1.png", "edema": 1}], "--id"),
        ([{"image": "nothing.png", "edema": 1}], "no image"),
        ([{"image": "film_1.png", "colour": 1}], "none of the predicted"),
    ],
)
def test_broken_truth_is_refused_by_name(tmp_path, rows, message):
    readings = make_readings(tmp_path, noise=0.5)
    if rows[0].get("image") == "a":
        rows = [{**row, "image": "film_1.png"} for row in rows]
    done = run(readings, "--truth", write_csv(tmp_path / "t.csv", rows), "--out", tmp_path / "o")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_probabilities_outside_their_range_are_refused(tmp_path, labels):
    table = write_csv(tmp_path / "p.csv", [{"image": "film_1.png", "prob_edema": 1.2}])
    done = run(table, "--truth", labels, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert "outside [0, 1]" in done.stderr


def test_synthetic_images_and_an_audit_with_corruption(tmp_path, labels):
    rng = np.random.default_rng(1)
    for number in range(2):
        spec = sample_spec(np.random.default_rng(number))
        pixels = np.round(render(spec, pixels=(128, 128)).radiograph.pixels * 255)
        folder = tmp_path / ("real" if number else "made")
        folder.mkdir()
        for shift in range(8):
            moved = np.roll(pixels, 2 * shift, axis=1).astype(np.uint8)
            cv2.imwrite(str(folder / f"film_{shift}.png"), moved)
    (tmp_path / "made" / "notes.txt").write_text("no image")
    done = run("images", tmp_path / "made", "--real", tmp_path / "real", "--out", tmp_path / "i")
    assert done.returncode == 0, done.stderr
    assert "unreadable_file:synthetic: 1" in done.stderr
    scores = json.loads((tmp_path / "i" / "evaluation.json").read_text())["scores"]
    assert {"frechet_distance", "kernel_distance", "ms_ssim_diversity"} <= {
        s["metric"]["name"] for s in scores
    }
    rows = [{"path": f"film_{n}.png", "prob_edema": float(rng.random())} for n in (1, 3, 5, 7)]
    table = write_csv(tmp_path / "r.csv", rows)
    truth = write_csv(
        tmp_path / "t.csv",
        [{"image": r["path"], "edema": n % 2, "sex": "FM"[n // 2]} for n, r in enumerate(rows)],
    )
    done = run(
        *("audit", table, "--truth", truth, "--attribute", "sex", "--out", tmp_path / "a"),
        *("--images", tmp_path / "real", "--stress", 1),
    )
    assert done.returncode == 0, done.stderr
    assert "Audit" in (tmp_path / "a" / "evaluation.html").read_text(encoding="utf-8")
    refused = run("audit", table, "--truth", truth, "--stress", 2, "--out", tmp_path / "a")
    assert refused.returncode == 2
    assert "--images" in refused.stderr
