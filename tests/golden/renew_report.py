"""Write the golden reports anew: ``python tests/golden/renew_report.py``; review the diff."""

from pathlib import Path

from report_cases import CASES, render

FOLDER = Path(__file__).parent / "report"


def main() -> None:
    """Write one text file a case and remove files of cases that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, case in CASES.items():
        (FOLDER / f"{name}.txt").write_text(render(case.report()), encoding="utf-8")


if __name__ == "__main__":
    main()
