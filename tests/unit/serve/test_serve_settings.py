"""Defaults, file, environment and options, in that order; what is wrong is said."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from hilum.errors import InvalidValueError
from hilum.serve.settings import Settings, load_settings

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "configuration.md"


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text('port = 1\nworkers = 4\nae_title = "ONE"\nsend_results_to = ["dimse"]\n')
    environment = {"HILUM_SERVE_PORT": "2", "HILUM_SERVE_CALLING_AE_TITLES": "A, B"}
    settings = load_settings(file, environment=environment, workers=7, host=None)
    assert (settings.port, settings.workers, settings.ae_title) == (2, 7, "ONE")
    assert settings.calling_ae_titles == ("A", "B")
    assert settings.send_results_to == ("dimse",)
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "unknown setting 'prot'"),
        ("port = 'x'", "port got 'x'"),
        ("port = 70000", "0 to 65535"),
        ("is_deidentified = 'perhaps'", "true or false"),
        ("tls_key = 'k.pem'", "belong together"),
        ("send_results_to = ['ftp']", "dicomweb and dimse"),
        ("viewer_origins = ['*']", "without a path or a wild card"),
        ("viewer_origins = ['https://viewer.example/']", "without a path or a wild card"),
        ("port = ", "settings file"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "h.toml"
    file.write_text(text)
    with pytest.raises(InvalidValueError, match=re.escape(words)):
        load_settings(file, environment={})


def test_the_reference_names_every_setting_with_its_default() -> None:
    text = REFERENCE.read_text("utf-8")
    for field in fields(Settings):
        assert f"| `{field.name}` |" in text, field.name
