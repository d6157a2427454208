"""Reports from texts, folders and tables, and the tables that are made of them."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hilum.errors import InvalidValueError
from hilum.scale.report_tables import TableWriter
from hilum.scale.reports import ReportRow, ReportSource, blocks, open_reports
from hilum.scale.text_batch import TASKS, TextOptions, empty_row, process_text, run_reports

REPORTS = [
    (7, "FINDINGS: Small right pleural effusion. No pneumothorax."),
    (3, "Heart is enlarged. Possible pneumonia."),
    (12, None),
    (5, "Lungs are clear."),
]


def write_csv(path):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["study_id", "report"])
        writer.writerows([key, text or ""] for key, text in REPORTS)
    return path


def write_jsonl(path):
    lines = [json.dumps({"study_id": key, "report": text}) for key, text in REPORTS]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_parquet(path):
    keys, texts = zip(*REPORTS, strict=True)
    pq.write_table(pa.table({"study_id": keys, "report": texts}), path)
    return path


WRITERS = {"a.csv": write_csv, "a.jsonl": write_jsonl, "a.parquet": write_parquet}


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_table_gives_the_same_rows(tmp_path, name):
    source = open_reports(WRITERS[name](tmp_path / name))
    rows = list(source.rows)
    assert source.id_column == "study_id"
    assert [str(row.id) for row in rows] == ["7", "3", "12", "5"]
    assert [row.text for row in rows] == [text for _, text in REPORTS]
    assert [bool(row.problem) for row in rows] == [False, False, True, False]


def test_parts_of_a_report_are_put_together_as_sections(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("uid,Findings,Impression,age\nx1,Clear lungs.,Normal.,40\nx2,,,\n")
    rows = list(open_reports(path).rows)
    assert rows[0] == ReportRow("x1", "FINDINGS: Clear lungs.\nIMPRESSION: Normal.")
    assert rows[1].problem == "no text"


def test_a_folder_of_texts(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_bytes("Épanchement pleural".encode("cp1252"))
    (tmp_path / "a.txt").write_text("Clear.", encoding="utf-8-sig")
    (tmp_path / "c.png").write_bytes(b"x")
    rows = list(open_reports(tmp_path).rows)
    assert rows == [ReportRow("a.txt", "Clear."), ReportRow("sub/b.txt", "Épanchement pleural")]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "--text-column"),
        ("a,b\n1,2\n", {"text_column": "c"}, "no column 'c'"),
        ("a,report\n1,2\n", {"id_column": "z"}, "no column 'z'"),
        ("a,report\n1,2\n", {"patient_column": "z"}, "no column 'z'"),
    ],
)
def test_a_missing_column_is_named(tmp_path, content, options, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(InvalidValueError, match=message):
        open_reports(path, **options)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.parquet", b"junk"), ("a.jsonl", b"{broken"), ("none.csv", None), ("b.jsonl", b"[1]")],
)
def test_a_bad_source_is_refused(tmp_path, name, data):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InvalidValueError):
        open_reports(path)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("workers", [1, 2])
def test_labels_keep_ids_order_and_the_rows_without_text(tmp_path, suffix, workers):
    source, out = open_reports(write_parquet(tmp_path / "a.parquet")), tmp_path / f"out{suffix}"
    done = run_reports(source, out, "label", TextOptions(), workers=workers)
    assert (done.done, done.failed) == (4, 1)
    rows = read_rows(out)
    assert [int(row["study_id"]) for row in rows] == [7, 3, 12, 5]
    assert rows[0]["pleural_effusion"] == "present"
    assert rows[0]["pneumothorax"] == "absent"
    assert rows[1]["pneumonia"] == "uncertain"
    assert rows[2]["error"] == "no text"
    assert rows[2]["pneumonia"] == "not_mentioned"
    assert rows[3]["no_finding"] == "present"
    assert not list(tmp_path.glob(".*"))


def read_rows(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("task", list(TASKS))
def test_every_task_gives_json_and_the_columns_of_an_empty_row(task):
    result = process_text(REPORTS[0][1], task, TextOptions())
    assert json.loads(json.dumps(result)) == result
    assert set(empty_row(task, TextOptions())) == set(result)


def test_numbers_for_training(tmp_path):
    source = open_reports(write_csv(tmp_path / "a.csv"))
    run_reports(source, tmp_path / "o.parquet", "label", TextOptions(uncertain="ones"))
    rows = read_rows(tmp_path / "o.parquet")
    assert rows[1]["pneumonia"] == 1.0
    assert rows[0]["pneumothorax"] == 0.0
    assert rows[0]["fracture"] is None


def test_stand_ins_are_the_same_for_one_patient(tmp_path):
    rows = [
        ReportRow(1, "Seen by Dr. Whitfield on 3/5/2012.", patient="p"),
        ReportRow(2, "Dr. Whitfield was told on 3/6/2012.", patient="p"),
    ]
    options = TextOptions(mode="surrogates", secret=b"0123456789abcdef", language="en")
    run_reports(ReportSource(iter(rows), 2, "id"), tmp_path / "o.jsonl", "deidentify", options)
    first, second = read_rows(tmp_path / "o.jsonl")
    assert "Whitfield" not in first["text"] + second["text"]
    name = first["text"].split("Dr. ")[1].split(" on")[0]
    assert f"Dr. {name} was told" in second["text"]
    assert first["found"]["date"] == 1


def test_a_wrong_option_or_output_is_told_before_anything_is_written(tmp_path):
    source = open_reports(write_csv(tmp_path / "a.csv"))
    with pytest.raises(InvalidValueError, match="hierarchy"):
        run_reports(source, tmp_path / "o.csv", "label", TextOptions(hierarchy="x"))
    with pytest.raises(InvalidValueError, match="must end in"):
        run_reports(source, tmp_path / "o.xlsx", "label", TextOptions())
    with pytest.raises(InvalidValueError, match="does not exist"):
        run_reports(source, tmp_path / "none" / "o.csv", "label", TextOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_damaged_table_leaves_no_half_result(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "report": "Clear."}\n{"id": 2, "rep')
    with pytest.raises(InvalidValueError, match="damaged"):
        run_reports(open_reports(path), tmp_path / "o.csv", "label", TextOptions())
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_ids_of_mixed_kinds_are_refused_with_advice(tmp_path):
    with TableWriter(tmp_path / "o.parquet") as writer:
        writer.write([{"id": 1}])
        with pytest.raises(InvalidValueError, match="make them all text"):
            writer.write([{"id": "a"}])
    assert read_rows(tmp_path / "o.parquet") == [{"id": 1}]


def test_blocks_hold_everything_once():
    rows = [ReportRow(n, "x") for n in range(7)]
    assert [len(block) for block in blocks(rows, 3)] == [3, 3, 1]
    assert [row for block in blocks(rows, 3) for row in block] == rows
