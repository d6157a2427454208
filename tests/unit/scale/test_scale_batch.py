"""Batches with stand-ins for the main path: completeness, resumption, interruption."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from scale_readers import FakeReader

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.scale import BatchOptions, read_batch
from hilum.scale.batch import BatchProgress

FAKE = BatchOptions(reader=FakeReader())


def write_manifest(folder: Path, *names: str) -> Path:
    manifest = folder / "list.csv"
    manifest.write_text("path,age\n" + "".join(f"{name},{i}\n" for i, name in enumerate(names)))
    return manifest


def read_rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in pq.read_table(out).to_pylist()}


def test_one_row_a_file_in_the_order_given_whatever_happens(tmp_path: Path) -> None:
    names = [
        "z.png",
        "fail.png",
        "killalways.png",
        "bug.png",
        "refuse.png",
        "killonce.png",
        "a.png",
    ]
    out = tmp_path / "made" / "readings.parquet"
    summary = read_batch(write_manifest(tmp_path, *names), out, workers=2, options=FAKE)
    rows = read_rows(out)
    assert list(rows) == names
    assert rows["fail.png"]["error"] == "got junk, expected an image"
    assert rows["bug.png"]["error"] == "KeyError: 'surprise'"
    assert "twice" in rows["killalways.png"]["error"]
    assert rows["refuse.png"]["reasons"] == "not_chest;blank"
    assert [name for name in names if rows[name]["accepted"]] == ["z.png", "killonce.png", "a.png"]
    assert rows["a.png"]["prob_pneumonia"] == 0.06
    assert (summary.files, summary.skipped) == (7, 0)
    assert (summary.accepted, summary.refused, summary.failed) == (3, 1, 3)
    assert [entry.name for entry in out.parent.iterdir()] == ["readings.parquet"]


def test_the_table_tells_what_made_it(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    read_batch(write_manifest(tmp_path, "a.png"), out, workers=1, options=FAKE)
    metadata = json.loads(pq.read_schema(out).metadata[b"hilum"])
    assert metadata["models"] == {"findings": "fake@1"}
    assert "not for diagnosis" in metadata["disclaimer"]


def test_a_second_run_reads_only_what_is_new_and_drops_what_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    read_batch(write_manifest(tmp_path, "a.png", "b.png"), out, workers=1, options=FAKE)
    seen: list[BatchProgress] = []
    manifest = write_manifest(tmp_path, "c.png", "b.png")
    summary = read_batch(manifest, out, workers=1, options=FAKE, on_progress=seen.append)
    assert (summary.files, summary.skipped) == (2, 1)
    assert [progress.done for progress in seen] == [0, 1]
    rows = read_rows(out)
    assert list(rows) == ["c.png", "b.png"]
    assert rows["b.png"]["prob_pneumonia"] == 0.01, "the row of the first run stays"


def test_other_weights_and_no_resume_read_everything_again(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    manifest = write_manifest(tmp_path, "a.png", "b.png")
    read_batch(manifest, out, workers=1, options=FAKE)
    other = BatchOptions(reader=FakeReader("fake@2"))
    assert read_batch(manifest, out, workers=1, options=other).skipped == 0
    assert read_batch(manifest, out, workers=1, options=other).skipped == 2
    again = BatchOptions(reader=FakeReader("fake@2"), resume=False)
    assert read_batch(manifest, out, workers=1, options=again).skipped == 0
    assert len(pq.read_table(out)) == 2


def test_errors_are_kept_unless_asked_for_again(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    manifest = write_manifest(tmp_path, "a.png", "fail.png")
    read_batch(manifest, out, workers=1, options=FAKE)
    assert read_batch(manifest, out, workers=1, options=FAKE).skipped == 2
    retry = BatchOptions(reader=FakeReader(), retry_errors=True)
    summary = read_batch(manifest, out, workers=1, options=retry)
    assert (summary.skipped, summary.failed) == (1, 1)
    assert list(read_rows(out)) == ["a.png", "fail.png"]


def test_an_interrupt_keeps_what_was_read(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    manifest = write_manifest(tmp_path, *(f"{number}.png" for number in range(6)))

    def interrupt(progress: BatchProgress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_batch(manifest, out, workers=1, options=FAKE, on_progress=interrupt)
    assert not out.exists()
    parts = list((tmp_path / "readings.parquet.parts").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet"]
    summary = read_batch(manifest, out, workers=1, options=FAKE)
    assert (summary.files, summary.skipped) == (6, 3)
    assert list(read_rows(out)) == [f"{number}.png" for number in range(6)]


def test_parts_are_written_as_rows_arrive_and_a_broken_one_is_read_again(tmp_path: Path) -> None:
    out = tmp_path / "readings.parquet"
    parts = tmp_path / "readings.parquet.parts"
    manifest = write_manifest(tmp_path, "a.png", "b.png", "c.png")
    options = BatchOptions(reader=FakeReader(), flush_rows=1)

    def interrupt(progress: BatchProgress) -> None:
        if progress.done == 2:
            assert len(list(parts.iterdir())) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_batch(manifest, out, workers=1, options=options, on_progress=interrupt)
    (parts / "part-00001.parquet").write_bytes(b"cut off")
    assert read_batch(manifest, out, workers=1, options=options).skipped == 1
    assert list(read_rows(out)) == ["a.png", "b.png", "c.png"]


def test_several_workers_get_one_thread_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HILUM_THREADS", raising=False)
    out = tmp_path / "readings.parquet"
    read_batch(write_manifest(tmp_path, "threads.png"), out, workers=2, options=FAKE)
    assert read_rows(out)["threads.png"]["prob_pneumonia"] == 0.1


@pytest.mark.parametrize("name", ["readings.csv", "folder.parquet"])
def test_unusable_tables_are_refused_before_reading(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(InvalidValueError, match=r"OUT\.parquet"):
        read_batch(write_manifest(tmp_path, "a.png"), tmp_path / name, workers=1, options=FAKE)


def test_a_table_that_cannot_be_written_is_refused_before_reading(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "readings.parquet"
    with pytest.raises(InvalidValueError, match="cannot write"):
        read_batch(write_manifest(tmp_path, "a.png"), out, workers=1, options=FAKE)


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="nothing to read"):
        read_batch(write_manifest(tmp_path), tmp_path / "out.parquet", workers=1, options=FAKE)
