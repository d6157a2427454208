"""Object storage: a real S3 API server on loopback, the same rows as from a disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from scale_readers import FakeReader

from hilum.errors import InvalidValueError, ResourceLimitError
from hilum.io import ImageSource
from hilum.scale import BatchOptions, list_batch, read_batch
from hilum.scale.batch import BatchProgress
from hilum.scale.objects import ObjectSource, fetch_image, fetch_object
from s3_server import BUCKET, open_bucket, serve_s3

NAMES = ("b.png", "refuse.png", "fail.png", "a.png")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve_s3() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    system = open_bucket(endpoint)
    for name in NAMES:
        put(system, f"study/images/{name}", name.encode())
    return system


def put(system: Any, key: str, content: bytes) -> None:
    with system.open_output_stream(f"{BUCKET}/{key}") as file:
        file.write(content)


def read_rows(out: Path) -> list[dict[str, Any]]:
    return pq.read_table(out).drop_columns(["path", "seconds"]).to_pylist()


def lines(prefix: str) -> str:
    return "path,age\n" + "".join(f"{prefix}{name},{i}\n" for i, name in enumerate(NAMES))


def test_a_manifest_on_either_side_gives_the_rows_of_a_disk(bucket: Any, tmp_path: Path) -> None:
    options = BatchOptions(reader=FakeReader())
    (tmp_path / "images").mkdir()
    for name in NAMES:
        (tmp_path / "images" / name).write_bytes(name.encode())
    (tmp_path / "list.csv").write_text(lines("images/"))
    put(bucket, "study/list.csv", lines("images/").encode())
    (tmp_path / "uris.csv").write_text(lines(f"s3://{BUCKET}/study/images/"))
    disk, there, here = (tmp_path / f"{name}.parquet" for name in ("disk", "there", "here"))
    read_batch(tmp_path / "list.csv", disk, workers=1, options=options)
    read_batch(f"s3://{BUCKET}/study/list.csv", there, workers=1, options=options)
    read_batch(tmp_path / "uris.csv", here, workers=1, options=options)
    assert read_rows(there) == read_rows(here) == read_rows(disk)
    assert [row["accepted"] for row in read_rows(disk)] == [True, False, False, True]
    assert pq.read_table(there)["path"].to_pylist() == [f"images/{name}" for name in NAMES]
    again = read_batch(f"s3://{BUCKET}/study/list.csv", there, workers=1, options=options)
    assert again.skipped == len(NAMES)


def test_an_object_keeps_its_name_and_leaves_nothing_behind(bucket: Any) -> None:
    with fetch_image(ObjectSource(f"s3://{BUCKET}/study/images/a.png")) as image:
        assert isinstance(image, ImageSource)
        assert (image.name, image.path.read_bytes()) == ("a.png", b"a.png")
    assert not image.path.parent.exists()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (f"s3://{BUCKET}/none.png", "does not exist"),
        ("s3://no-such-bucket/a.png", "does not exist"),
        (f"s3://{BUCKET}/study/images/", "expected s3://bucket/key"),
        ("http://example.org/a.png", "expected s3://bucket/key"),
    ],
)
def test_what_cannot_be_fetched_says_why(
    bucket: Any, tmp_path: Path, uri: str, message: str
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        fetch_object(uri, tmp_path)
    (tmp_path / "list.txt").write_text(uri)
    out = tmp_path / "readings.parquet"
    options = BatchOptions(reader=FakeReader())
    assert read_batch(tmp_path / "list.txt", out, workers=1, options=options).failed == 1
    assert message in read_rows(out)[0]["error"]


def test_a_server_that_is_not_there_is_an_error(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # the discard port
    with pytest.raises(InvalidValueError, match="cannot be fetched"):
        fetch_object(f"s3://{BUCKET}/study/images/a.png", tmp_path)


def test_an_object_over_the_limit_is_not_fetched(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.io.limits.MAX_FILE_BYTES", 4)
    with pytest.raises(ResourceLimitError):
        fetch_object(f"s3://{BUCKET}/study/images/a.png", tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("uri", ["s3://bucket/folder/", "s3://bucket/a.dcm"])
def test_a_folder_on_object_storage_is_refused(uri: str) -> None:
    with pytest.raises(InvalidValueError, match="expected a manifest"):
        list_batch(uri)


def keys(bucket: Any, folder: str) -> list[str]:
    from pyarrow import fs

    selector = fs.FileSelector(f"{BUCKET}/{folder}", allow_not_found=True, recursive=True)
    return sorted(info.base_name for info in bucket.get_file_info(selector) if info.is_file)


def test_a_table_on_object_storage_is_that_of_a_disk_and_goes_on(
    bucket: Any, tmp_path: Path
) -> None:
    options = BatchOptions(reader=FakeReader(), flush_rows=1)
    put(bucket, "study/list.csv", lines("images/").encode())
    source, out = f"s3://{BUCKET}/study/list.csv", f"s3://{BUCKET}/tables/out.parquet"

    def interrupt(progress: BatchProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_batch(source, out, workers=1, options=options, on_progress=interrupt)
    assert keys(bucket, "tables") == ["part-00000.parquet", "part-00001.parquet"]
    summary = read_batch(source, out, workers=1, options=options)
    assert (summary.skipped, summary.out) == (2, out)
    assert keys(bucket, "tables") == ["out.parquet"]
    here = tmp_path / "here.parquet"
    read_batch(source, here, workers=1, options=options)
    with bucket.open_input_file(f"{BUCKET}/tables/out.parquet") as file:
        there = pq.read_table(file)
    assert there.schema.equals(pq.read_schema(here), check_metadata=True)
    assert there.drop_columns(["seconds"]).equals(pq.read_table(here).drop_columns(["seconds"]))
    # other weights: nothing of the old rows is kept; asked not to resume: nothing is skipped
    other = BatchOptions(reader=FakeReader("fake@2"))
    assert read_batch(source, out, workers=1, options=other).skipped == 0
    again = BatchOptions(reader=FakeReader("fake@2"), resume=False)
    assert read_batch(source, out, workers=1, options=again).skipped == 0
    assert read_batch(source, out, workers=1, options=other).skipped == len(NAMES)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("s3://no-such-bucket/out.parquet", "does not exist; make it first"),
        (f"s3://{BUCKET}/out.csv", "name OUT.parquet"),
        ("s3://out.parquet", "expected s3://bucket/key"),
        ("http://example.org/a/out.parquet", "expected s3://bucket/key"),
    ],
)
def test_a_table_that_cannot_be_written_says_why(
    bucket: Any, tmp_path: Path, out: str, message: str
) -> None:
    (tmp_path / "list.txt").write_text("a.png")
    options = BatchOptions(reader=FakeReader())
    with pytest.raises(InvalidValueError, match=message):
        read_batch(tmp_path / "list.txt", out, workers=1, options=options)
