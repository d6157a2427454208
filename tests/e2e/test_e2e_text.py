"""``hilum text`` as a subprocess: one report, a table, wrong usage."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

START = "from hilum.cli import main; main()"
REPORT = "FINDINGS: Small right pleural effusion. No pneumothorax."


def run_text(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-c", START, "text", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=stdin,
        check=False,
    )


def test_one_report_is_labelled_on_the_terminal():
    done = run_text("label", REPORT)
    assert done.returncode == 0, done.stderr
    labels = json.loads(done.stdout)
    assert (labels["pleural_effusion"], labels["pneumothorax"]) == ("present", "absent")
    piped = run_text("label", "-", stdin=REPORT)
    assert piped.stdout == done.stdout


def test_structure_graph_sections_and_a_page(tmp_path):
    page = tmp_path / "page.html"
    done = run_text("structure", REPORT, "--html", page)
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["observations"][0]
    assert (first["name"], first["side"], first["severity"]) == (
        "pleural_effusion",
        "right",
        "mild",
    )
    start, end = first["spans"][0]["span"]
    assert REPORT[start:end] == first["spans"][0]["text"] == "pleural effusion"
    assert "pleural effusion" in page.read_text(encoding="utf-8")
    graph = json.loads(run_text("graph", REPORT).stdout)
    assert "OBS-DA" in {entity["label"] for entity in graph["entities"].values()}
    scene = json.loads(run_text("graph", "--scene", REPORT).stdout)
    assert scene
    sections = json.loads(run_text("sections", REPORT).stdout)["sections"]
    assert [section["name"] for section in sections] == ["findings"]


def test_a_table_in_a_table_out(tmp_path):
    source, out = tmp_path / "reports.csv", tmp_path / "labels.parquet"
    source.write_text(f'study,report\na,"{REPORT}"\nb,Normal chest.\n', encoding="utf-8")
    done = run_text("label", source, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "2 reports" in done.stderr
    rows = pq.read_table(out).to_pylist()
    assert [row["study"] for row in rows] == ["a", "b"]
    assert rows[1]["no_finding"] == "present"


def test_deidentify_prints_the_text_and_counts():
    done = run_text("deidentify", "Seen by Dr. Whitfield on 3/5/2012.")
    assert done.stdout.strip() == "Seen by Dr. [NAME] on [DATE]."
    assert json.loads(done.stderr) == {"date": 1, "name": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ("label", "missing.csv", "--out", "o.csv"),
        ("label", REPORT, "--scheme", "none"),
        ("label", REPORT, "--out", "o.xlsx"),
        ("label", ".", "--html"),
        ("label", "missing.csv"),
        ("label", "."),
        ("structure", REPORT, "--language", "xx"),
    ],
)
def test_wrong_usage_ends_with_2_and_no_traceback(arguments, tmp_path):
    done = run_text(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "   ", "Normal.", "N/A for now", "不明"])
def test_short_and_foreign_texts_are_texts(text):
    done = run_text("label", text)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 14
