"""Data sets of phantoms: the same bytes by any number of workers, interrupted or not."""

import json

import pyarrow.parquet as pq
import pytest
from pycocotools.coco import COCO

from hilum.errors import InvalidValueError
from hilum.scale import make_dataset
from hilum.synth.files.dataset import DatasetOptions
from hilum.synth.files.dataset_tables import manifest_schema

# pycocotools 2.0.11 returns arrays in a way that NumPy 2 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OPTIONS = DatasetOptions(count=3, seed=1, pixels=64)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "set"
    summary = make_dataset(folder, OPTIONS, workers=1)
    assert (summary.films, summary.made, summary.before) == (3, 3, 0)
    return folder


class StopError(Exception):
    """Stands for an interruption."""


def test_an_interrupted_run_ends_in_the_same_bytes(whole, tmp_path):
    def stop(progress):
        if progress.done:
            raise StopError

    with pytest.raises(StopError):
        make_dataset(tmp_path / "set", OPTIONS, workers=1, on_progress=stop)
    assert not (tmp_path / "set" / "manifest.parquet").exists()
    summary = make_dataset(tmp_path / "set", OPTIONS, workers=2)
    assert summary.before >= 1
    assert summary.before + summary.made == 3
    assert contents(tmp_path / "set") == contents(whole)


def test_a_complete_data_set_is_not_made_again(whole):
    before = contents(whole)
    summary = make_dataset(whole, OPTIONS, workers=1)
    assert (summary.films, summary.made) == (3, 0)
    assert contents(whole) == before


def test_what_else_is_in_the_folder_is_not_touched(whole, tmp_path):
    other = DatasetOptions(count=3, seed=2, pixels=64)
    with pytest.raises(InvalidValueError, match="choose another"):
        make_dataset(whole, other)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InvalidValueError, match="choose another"):
        make_dataset(tmp_path, OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValueError, match="file"):
        make_dataset(tmp_path / "file", OPTIONS)


def test_the_tables_fit_together(whole, capsys):
    table = pq.read_table(whole / "manifest.parquet")
    assert table.schema.equals(manifest_schema())
    rows = table.to_pylist()
    assert [row["patient"] for row in rows] == ["P000000", "P000001", "P000002"]
    assert all((whole / row["path"]).is_file() for row in rows)
    coco = COCO(str(whole / "annotations.json"))
    capsys.readouterr()  # the COCO API prints
    assert [coco.imgs[n]["file_name"] for n in sorted(coco.imgs)] == [row["path"] for row in rows]
    for number in coco.getAnnIds():
        annotation = coco.anns[number]
        assert coco.annToMask(annotation).sum() == annotation["area"]
    ids = {row["id"] for row in rows}
    for file in whole.glob("*.jsonl"):
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert {line["film"] for line in lines} <= ids
    told = json.loads((whole / "provenance.json").read_text())
    assert told["options"]["seed"] == 1
    readme = (whole / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in table.schema.names)


def test_a_patient_that_cannot_be_made_is_told(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    make_dataset(folder, DatasetOptions(count=1, pixels=64))
    (folder / "provenance.json").unlink()
    (folder / "records").mkdir()
    from hilum.synth.files.dataset import fingerprint

    options = DatasetOptions(count=1, seed=9, pixels=64)
    (folder / "records" / "fingerprint").write_text(fingerprint(options))
    for path in (folder / "truth").iterdir():
        path.unlink()
    (folder / "truth").rmdir()
    (folder / "truth").write_text("in the way")
    with pytest.raises(InvalidValueError, match="patient 0"):
        make_dataset(folder, options)
