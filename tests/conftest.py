"""Fixtures shared by every test."""

from pathlib import Path

import pytest
from hypothesis import settings

# machines differ and are shared: no test fails for the time it takes
settings.register_profile("hilum", deadline=None)
settings.load_profile("hilum")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real radiographs beside the project; skips where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real radiographs in ../shared/data")
    return SHARED_DATA
