"""The one exception tree of Hilum.

Every error that Hilum raises on purpose is a ``HilumError`` and also the builtin that a
Python programmer would expect, so both ``except HilumError`` and ``except ValueError``
work. Messages say what was got, what was expected and what to do next; they never hold
patient data.
"""

__all__ = [
    "ArchiveError",
    "ConflictError",
    "ForbiddenError",
    "HilumError",
    "InvalidStudyError",
    "InvalidValueError",
    "MissingExtraError",
    "MissingModelError",
    "ModelIntegrityError",
    "ResourceLimitError",
    "StorageError",
    "UnauthorisedError",
    "UnknownStudyError",
    "UnreadableImageError",
]


class HilumError(Exception):
    """Base of every error that Hilum raises on purpose."""


class InvalidValueError(HilumError, ValueError):
    """An argument or a field breaks the contract of a type or function."""


class UnreadableImageError(HilumError, ValueError):
    """A file holds no image that can be decoded."""


class ResourceLimitError(UnreadableImageError):
    """A file would need more memory, files or time than Hilum allows itself."""


class InvalidStudyError(HilumError, ValueError):
    """Files do not make one study of one patient."""


class MissingModelError(HilumError, LookupError):
    """A model was asked for by a name that is not registered."""


class ModelIntegrityError(HilumError, RuntimeError):
    """Weights or a manifest are not what they were when they were registered."""


class MissingExtraError(HilumError, ImportError):
    """A feature needs an optional dependency that is not installed."""


class UnknownStudyError(HilumError, LookupError):
    """A study, an image or a reading was asked for that the server does not hold."""


class StorageError(HilumError, OSError):
    """The server's disk or database cannot take or give what it should."""


class ConflictError(HilumError, RuntimeError):
    """What is asked for does not go with the state that a study is in."""


class ForbiddenError(HilumError, PermissionError):
    """The server is set up not to give out what was asked for."""


class UnauthorisedError(HilumError, PermissionError):
    """A token is missing, unknown, expired or meant for somebody else."""


class ArchiveError(HilumError, ConnectionError):
    """An archive does not answer, refuses, or answers what cannot be used."""


def require(condition: bool, message: str) -> None:
    """Raise ``InvalidValueError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise InvalidValueError(message)
