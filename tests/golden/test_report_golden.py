"""The reports of constructed readings are the ones that were reviewed."""

from pathlib import Path

import pytest
from report_cases import CASES, render

FOLDER = Path(__file__).parent / "report"


@pytest.mark.parametrize("name", CASES)
def test_report_is_the_reviewed_one(name):
    expected = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert render(CASES[name].report()) == expected


def test_every_stored_report_has_a_case():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)


def test_same_reading_same_text():
    case = CASES["follow_up"]
    assert case.report() == case.report()
