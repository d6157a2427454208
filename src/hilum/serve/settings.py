"""How the server is set up: defaults, then a TOML file, then the environment.

Every field is a key of ``hilum.toml`` and, in capitals behind ``HILUM_SERVE_``, a variable of
the environment: ``port`` is ``HILUM_SERVE_PORT``. Lists are separated by commas there. The
reference is ``docs/guides/configuration.md``; a test keeps the two alike.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from hilum.errors import InvalidValueError, require
from hilum.serve.archive_checks import LOOPBACK, check_archive_settings

__all__ = ["ENVIRONMENT_PREFIX", "LOOPBACK", "Settings", "load_settings"]

ENVIRONMENT_PREFIX = "HILUM_SERVE_"
SECRETS = ("archive_password", "archive_token", "database_url")
"""Settings whose value no error and no ``repr`` shows."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The resolved configuration; sizes in megabytes, times in seconds unless named.

    Raises:
        InvalidValueError: A value is out of its range, or the two halves of a TLS pair are
            not given together.
    """

    data: Path = Path("hilum-data")
    """Folder of the SQLite database and of the files."""
    host: str = "127.0.0.1"
    """Address that HTTP and DICOM listen on."""
    port: int = 8080
    """Port of HTTP; 0 lets the system choose."""
    database_url: str = field(default="", repr=False)
    """SQLAlchemy URL; empty is SQLite in ``data``, else ``postgresql+psycopg://...``."""
    workers: int = 1
    """Processes that read."""
    max_attempts: int = 5
    """Tries of a study whose worker died or failed before it is set aside as failed."""
    dicom_port: int = -1
    """Port of the DICOM listener; -1 for none, 0 lets the system choose."""
    ae_title: str = "HILUM"
    """Own application entity title."""
    calling_ae_titles: tuple[str, ...] = ()
    """Titles that may call; empty admits all on loopback and none elsewhere."""
    max_associations: int = 10
    """Associations at one time."""
    completion_seconds: float = 5.0
    """A study is complete when no instance came for so long."""
    completion_instances: int = 0
    """A study is complete at so many instances at once; 0 waits for the time alone."""
    tls_certificate: str = ""
    """Certificate chain (PEM) for HTTP and DICOM."""
    tls_key: str = ""
    """Its private key (PEM)."""
    tls_client_ca: str = ""
    """Certificates (PEM) that DICOM callers must be signed by; empty asks for none."""
    archive_dicomweb_url: str = ""
    """Root of an archive's DICOMweb, for priors and results."""
    archive_ae: str = ""
    """An archive as ``AETITLE@host:port``, for priors and results over DIMSE."""
    archive_timeout_seconds: float = 20.0
    """How long an archive may take to answer."""
    archive_retrieve: str = "auto"
    """How priors come over DIMSE: ``get`` (C-GET), ``move`` (C-MOVE) or ``auto`` (what works)."""
    archive_tls: bool = False
    """Whether ``archive_ae`` is spoken to by TLS."""
    archive_ca: str = ""
    """Certificates (PEM) that the archive must be signed by; empty takes the system's."""
    archive_checks_host: bool = True
    """Whether the archive's certificate must name its host; without, ``archive_ca`` is needed."""
    archive_certificate: str = ""
    """Certificate chain (PEM) that Hilum shows the archive, over DIMSE and https."""
    archive_key: str = ""
    """Its private key (PEM)."""
    archive_user: str = ""
    """User for the archive's DICOMweb (basic authentication)."""
    archive_password: str = field(default="", repr=False)
    """Its password; better in the environment or a file than in TOML."""
    archive_password_file: str = ""
    """File with the password, read anew for every connection."""
    archive_token: str = field(default="", repr=False)
    """Bearer token for the archive's DICOMweb."""
    archive_token_file: str = ""
    """File with the token, read anew for every connection."""
    send_results_to: tuple[str, ...] = ()
    """Where results go: ``dicomweb`` or ``dimse`` for the archive; empty keeps them here."""
    max_upload_mb: int = 512
    """Largest request body."""
    max_instance_mb: int = 256
    """Largest DICOM instance."""
    min_free_mb: int = 512
    """Free space below which nothing more is taken in."""
    requests_per_minute: int = 6000
    """Requests of one client."""
    oidc_issuer: str = ""
    """Issuer of OpenID Connect tokens; empty admits only tokens of the server's own."""
    oidc_audience: str = "hilum"
    """Audience that those tokens must name."""
    oidc_role_claim: str = "roles"
    """Claim that holds the roles reader, submitter or admin."""
    oidc_client_id: str = ""
    """Client that the reading room is at the issuer; empty offers no sign-in there."""
    oidc_scope: str = "openid profile"
    """What the reading room asks the issuer for."""
    session_hours: float = 12.0
    """A browser that signed in must do so again after so many hours."""
    is_behind_tls: bool = False
    """Whether a proxy in front ends TLS: addresses are https, cookies go over nothing else."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may name beside loopback and ``host``."""
    viewer_origins: tuple[str, ...] = ()
    """Origins of viewers elsewhere whose pages may use DICOMweb, as ``https://viewer.example``."""
    is_deidentified: bool = False
    """Whether every answer hides who the patient is."""
    retention_days: int = 0
    """Studies older than that are deleted; 0 keeps them."""
    structures: bool = False
    """Whether bones, hila and diaphragm, as learned from phantoms, are shown."""

    def __post_init__(self) -> None:
        require(0 <= self.port <= 65535, f"port must be 0 to 65535, got {self.port}")
        require(-1 <= self.dicom_port <= 65535, f"dicom_port: -1 to 65535, got {self.dicom_port}")
        require(0 <= self.workers <= 64, f"workers must be 0 to 64, got {self.workers}")
        require(self.max_attempts >= 1, f"max_attempts must be 1 or more, got {self.max_attempts}")
        require(1 <= len(self.ae_title) <= 16, "ae_title must have 1 to 16 characters")
        require(
            bool(self.tls_certificate) == bool(self.tls_key),
            "tls_certificate and tls_key belong together; give both or neither",
        )
        for name in ("completion_seconds", "archive_timeout_seconds"):
            require(getattr(self, name) > 0, f"{name} must be more than 0 seconds")
        require(0 < self.session_hours <= 720, "session_hours must be more than 0, at most 720")
        for name in ("max_upload_mb", "max_instance_mb", "requests_per_minute", "max_associations"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        for origin in self.viewer_origins:
            require(
                re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", origin)
                is not None,
                "viewer_origins takes origins such as https://viewer.example:3000, in lower case, "
                f"without a path or a wild card; got {origin!r}",
            )
        unknown = set(self.send_results_to) - {"dicomweb", "dimse"}
        require(not unknown, f"send_results_to takes dicomweb and dimse, got {sorted(unknown)}")
        check_archive_settings(self)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the server by https, through a proxy or without one."""
        return self.is_behind_tls or bool(self.tls_certificate)

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, SQLite in ``data`` where none is given."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'hilum.sqlite'}"


def load_settings(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Settings:
    """Resolve the settings: ``overrides`` before environment before file before defaults.

    Args:
        file: A TOML file; ``hilum.toml`` of the working folder is taken when it exists.
        environment: Variables; the process's own by default.
        overrides: Fields by name; None leaves the field alone.

    Raises:
        InvalidValueError: A key is unknown or a value has another type or range.
    """
    values: dict[str, Any] = {}
    if file is None and Path("hilum.toml").is_file():
        file = Path("hilum.toml")
    if file is not None:
        values |= _read_file(file)
    values |= _read_environment(os.environ if environment is None else environment)
    values |= {key: value for key, value in overrides.items() if value is not None}
    kinds = get_type_hints(Settings)
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise InvalidValueError(
            f"unknown setting {unknown[0]!r}; see docs/guides/configuration.md for the names"
        )
    return replace(
        Settings(), **{key: _convert(key, value, kinds[key]) for key, value in values.items()}
    )


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidValueError(f"the settings file {file.name!r}: {error}") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {item.name for item in fields(Settings)}
    found = {}
    for name in names:
        value = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if value is not None:
            found[name] = value
    return found


def _convert(name: str, value: Any, kind: Any) -> Any:
    try:
        if kind is bool:
            return _as_bool(name, value)
        if kind in (int, float) and not isinstance(value, bool):
            return kind(value)
        if kind is Path:
            return Path(value)
        if kind is str and isinstance(value, str):
            return value
        if kind == tuple[str, ...]:
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(str(part).strip() for part in parts if str(part).strip())
    except InvalidValueError:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{name} got {value!r}: {error}") from error
    shown = "a value" if name in SECRETS else repr(value)
    raise InvalidValueError(f"{name} got {shown}, which is of another type")


def _as_bool(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in words:
        raise InvalidValueError(f"{name} got {value!r}, expected true or false")
    return words[str(value).lower()]
