"""Settings of TLS and credentials: what does not go together is said, secrets are not."""

import re
from pathlib import Path

import pytest

from certificates import Authority
from hilum.errors import InvalidValueError
from hilum.serve.network.credentials import read_credentials
from hilum.serve.network.tls import describe_problem, make_archive_tls, make_server_tls
from hilum.serve.server import start
from hilum.serve.settings import Settings, load_settings

SECRET = "s3cr3t-Pa55-word"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("archive_retrieve = 'ftp'", "auto, get or move"),
        ("archive_retrieve = 'move'", "dicom_port"),
        ("archive_key = 'k.pem'", "archive_certificate and archive_key belong together"),
        ("archive_checks_host = false", "needs archive_ca"),
        ("archive_user = 'u'", "belongs together"),
        (f"archive_password = '{SECRET}'", "belongs together"),
        (f"archive_user = 'a:b'\narchive_password = '{SECRET}'", "colon"),
        (f"archive_token = '{SECRET}'\narchive_token_file = 't'", "give one"),
        (
            f"archive_token = '{SECRET}'\narchive_user = 'u'\narchive_password_file = 'p'",
            "not both",
        ),
        (f"archive_token = ['{SECRET}']", "archive_token got a value"),
        (f"database_url = ['{SECRET}']", "database_url got a value"),
        (f"archive_dicomweb_url = 'https://u:{SECRET}@pacs/'", "must not hold a user"),
        ("archive_dicomweb_url = 'pacs:8042'", "no address"),
        ("archive_dicomweb_url = 'https://pacs:port/'", "no address"),
        (
            f"archive_dicomweb_url = 'http://pacs/'\narchive_token = '{SECRET}'",
            "needs https",
        ),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "h.toml"
    file.write_text(text)
    with pytest.raises(InvalidValueError, match=re.escape(words)) as caught:
        load_settings(file, environment={})
    assert SECRET not in str(caught.value)


def test_secrets_come_from_the_environment_and_are_not_shown() -> None:
    environment = {
        "HILUM_SERVE_ARCHIVE_TOKEN": SECRET,
        "HILUM_SERVE_DATABASE_URL": f"postgresql+psycopg://u:{SECRET}@h/d",
    }
    settings = load_settings(environment=environment)
    assert settings.archive_token == SECRET
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\xff", b"two words"])
def test_a_file_without_a_usable_token(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(InvalidValueError, match="token"):
        read_credentials(Settings(archive_token_file=str(file)))


def test_files_that_are_no_certificate_or_key(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, two = authority.issue("one"), authority.issue("two")
    locked = authority.issue("locked", passphrase="x")
    (tmp_path / "text").write_text("text")
    text, missing = str(tmp_path / "text"), str(tmp_path / "missing")
    for certificate, key, words in (
        (one.certificate, two.key, "tls_certificate and tls_key cannot be used"),
        (text, one.key, "tls_certificate and tls_key cannot be used"),
        (missing, one.key, "cannot be read: No such file"),
        (locked.certificate, locked.key, "tls_key is encrypted"),
    ):
        settings = Settings(tls_certificate=certificate, tls_key=key)
        for is_dicom in (True, False):
            with pytest.raises(InvalidValueError, match=words):
                make_server_tls(settings, is_dicom=is_dicom)
    for file, words in ((text, "no PEM"), (missing, "cannot be read")):
        with pytest.raises(InvalidValueError, match=words):
            make_archive_tls(Settings(archive_ca=file))


@pytest.mark.parametrize(
    "wrong",
    [
        {"archive_ca": "no-such-file.pem"},
        {"archive_token_file": "no-such-file"},
        {"tls_certificate": "none.pem", "tls_key": "none.key"},
        {
            "archive_ae": "PACS@127.0.0.1:104",
            "archive_retrieve": "move",
            "dicom_port": 0,
            "calling_ae_titles": ("CR1",),
        },
    ],
)
def test_a_server_with_unusable_files_does_not_start(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    settings = Settings(data=tmp_path, port=0, workers=0, min_free_mb=1, **wrong)  # type: ignore[arg-type]
    with (
        pytest.raises(InvalidValueError, match=r"cannot be read|calling_ae_titles"),
        start(settings),
    ):
        pass


def test_an_error_that_is_none_of_tls_is_not_described() -> None:
    assert describe_problem(None) == ""
    assert describe_problem(ConnectionRefusedError("no")) == ""
