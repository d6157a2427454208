from pathlib import Path

import pytest

import hilum.models
from hilum.cli import doctor as subject
from hilum.cli import main
from hilum.cli.doctor import Check, State, run_checks


def test_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hilum.models, "list_models", tuple)
    checks = {check.subject: check for check in run_checks()}
    for name in ("hilum", "numpy", "onnxruntime", "providers", "decoder JPEG 2000"):
        assert checks[name].state is State.OK, checks[name]
    for name in ("hilum-gate", "hilum-anatomy", "hilum-findings"):
        assert checks[f"model {name}"].state is State.FAILED


@pytest.mark.parametrize(("state", "code"), [(State.OK, 0), (State.WARNING, 0), (State.FAILED, 1)])
def test_only_failures_fail(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: State,
    code: int,
) -> None:
    checks = [Check("one", State.OK, "well"), Check("two", state, "so [so]")]
    monkeypatch.setattr(subject, "run_checks", lambda: iter(checks))
    with pytest.raises(SystemExit) as stop:
        main(["doctor"])
    assert stop.value.code == code
    assert f"{state.value:8}two: so [so]" in capsys.readouterr().out


def test_a_missing_library_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "LIBRARIES", ("not-a-library-of-ours",))
    checks = {check.subject: check for check in run_checks()}
    assert checks["not-a-library-of-ours"].state is State.FAILED


def test_a_folder_to_be_made_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HILUM_MODELS", str(tmp_path / "new" / "models"))
    checks = {check.subject: check for check in run_checks()}
    assert checks["your own models"].state is State.OK
    (tmp_path / "file").touch()
    monkeypatch.setenv("HILUM_MODELS", str(tmp_path / "file" / "models"))
    checks = {check.subject: check for check in run_checks()}
    assert checks["your own models"].state is State.WARNING
