"""Files by content: stored once, complete or not there, and never on a full disk."""

import hashlib
from pathlib import Path

import pytest

from hilum.errors import InvalidValueError, StorageError, UnknownStudyError
from hilum.serve.files import FileStore


def test_content_is_kept_once_and_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    key = store.put(b"abc")
    assert key == hashlib.sha256(b"abc").hexdigest() == store.put(b"abc")
    assert store.read(key) == b"abc"
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1
    store.remove(key)
    store.remove(key)
    with pytest.raises(UnknownStudyError):
        store.read(key)


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_only_a_hash_is_a_key(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidValueError):
        FileStore(tmp_path).path(key)


def test_a_full_disk_takes_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path, min_free_mb=10**9)
    with pytest.raises(StorageError, match="the disk is full"):
        store.put(b"abc")
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
