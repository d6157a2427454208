"""Fixtures shared by every test."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real radiographs beside the project; skips where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real radiographs in ../shared/data")
    return SHARED_DATA
