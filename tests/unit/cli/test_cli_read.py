import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import hilum.io
import hilum.reading
from hilum.cli import main
from hilum.cli.read import parse_models
from hilum.errors import InvalidStudyError, InvalidValueError, UnreadableImageError
from hilum.export import load_schema
from hilum.types import DISCLAIMER, Reading, Report, Study
from readings import make_reading, make_refused_reading, make_two_view_reading


class Reader:
    """Stands in for ``open_study`` and ``read`` and notes how they were called."""

    def __init__(self, make: Callable[[], Reading]) -> None:
        self.reading = make()
        self.calls: dict[str, Any] = {}
        self.error: Exception | None = None

    def open_study(self, paths: Any, context: Any = None, priors: Any = ()) -> Study:
        self.calls |= {"paths": paths, "context": context, "priors": priors}
        if self.error:
            raise self.error
        return self.reading.study

    def read(self, study: Study, *, models: Any = None) -> Reading:
        self.calls |= {"models": models}
        return self.reading if study.radiographs else Reading(study, (), Report())


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Reader:
    stand_in = Reader(getattr(request, "param", make_reading))
    monkeypatch.setattr(hilum.io, "open_study", stand_in.open_study)
    monkeypatch.setattr(hilum.reading, "read", stand_in.read)
    monkeypatch.setenv("COLUMNS", "100")
    return stand_in


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "chest.dcm"
    path.touch()
    return path


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["read", *map(str, argv)])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_reads_and_writes(
    reader: Reader, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert DISCLAIMER in shown.out
    assert "Likely right lower zone pneumonia." in shown.out
    assert shown.err == ""
    document = json.loads((tmp_path / "out" / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, load_schema())
    assert (tmp_path / "out" / "report.html").is_file()


def test_passes_on_what_is_known(reader: Reader, image: Path, tmp_path: Path) -> None:
    older = tmp_path / "old.dcm"
    older.touch()
    code = run(
        image, "--indication", "cough", "--history", "smoker", "--age", 57, "--sex", "f",
        "--prior", older, "--model", "findings=mine", "--quiet",
    )  # fmt: skip
    assert code == 0
    context = reader.calls["context"]
    assert (context.indication, context.history, context.age_years, context.sex) == (
        "cough", "smoker", 57.0, "F",
    )  # fmt: skip
    assert reader.calls["paths"] == [image]
    assert reader.calls["priors"] == [older]
    assert reader.calls["models"] == {"findings": "mine"}


def test_json_is_all_that_is_printed(
    reader: Reader, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image, "--json", "--out", tmp_path / "out") == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "out" / "reading.json").read_text("utf-8"))
    assert printed == written


def test_quiet_prints_nothing(
    reader: Reader, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image, "--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("reader", [make_refused_reading], indirect=True)
def test_a_refusal_has_its_code_and_reasons(
    reader: Reader, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image, "--out", tmp_path / "out", "--quiet") == 3
    assert capsys.readouterr().err.splitlines() == [
        "not read: knee.png: This is not a chest radiograph. [not_a_chest]",
        "not read: notes.txt: This file holds no image.",
    ]
    document = json.loads((tmp_path / "out" / "reading.json").read_text("utf-8"))
    assert document["radiographs"][0]["quality"]["reasons"][0]["code"] == "not_a_chest"


@pytest.mark.parametrize("reader", [make_two_view_reading], indirect=True)
def test_one_readable_image_is_enough(
    reader: Reader, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image) == 0
    assert "not_a_chest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [UnreadableImageError("truncated"), InvalidStudyError("two patients")]
)
def test_what_cannot_be_opened_still_leaves_a_reading(
    reader: Reader,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    reader.error = error
    assert run(image, "--out", tmp_path / "out") == 3
    assert str(error) in capsys.readouterr().err
    document = json.loads((tmp_path / "out" / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, load_schema())
    assert document["unreadable"] == [{"source": str(image), "reason": str(error)}]


@pytest.mark.parametrize(
    "options",
    [
        ("--age", "-1"),
        ("--sex", "x"),
        ("--model", "findings"),
        ("--model", "surgery=mine"),
        ("--prior", "is-not-there.dcm"),
    ],
)
def test_wrong_usage(reader: Reader, image: Path, options: tuple[str, str]) -> None:
    assert run(image, *options) == 2
    assert reader.calls == {}, "found out before anything is read"


def test_a_path_that_is_not_there_is_wrong_usage(reader: Reader, tmp_path: Path) -> None:
    assert run(tmp_path / "is-not-there.dcm") == 2


def test_a_bad_folder_is_told_before_reading(
    reader: Reader, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(image, "--out", image / "below") == 2
    assert "choose a folder that can be written" in capsys.readouterr().err
    assert reader.calls == {}


def test_models_by_task() -> None:
    assert parse_models(["gate=a", "findings = b=c"]) == {"gate": "a", "findings": "b=c"}
    for wrong in (["gate"], ["=a"], ["gate="], ["gate=a", "gate=b"]):
        with pytest.raises(InvalidValueError, match="expected TASK=NAME"):
            parse_models(wrong)
