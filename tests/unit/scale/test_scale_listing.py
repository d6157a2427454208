"""What a batch lists: folders and manifests."""

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hilum.errors import InvalidValueError
from hilum.scale import list_batch
from hilum.types import Context


def test_csv_manifest_keeps_paths_and_reads_the_context(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("file,age,sex,indication\nsub/a.png,61,female,cough\nb.png,,,\n")
    listing = list_batch(manifest, path_column="file")
    assert listing.root == tmp_path.resolve()
    first, second = listing.items
    assert (first.path, first.source.path) == ("sub/a.png", tmp_path.resolve() / "sub" / "a.png")
    assert first.context == Context(indication="cough", age_years=61.0, sex="F")
    assert second.context == Context()
    assert first.warnings == second.warnings == ()


def test_impossible_context_is_left_out_with_a_warning(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,age,sex\na.png,414,F\nb.png,old,F\nc.png,3,martian\n")
    items = list_batch(manifest).items
    assert [item.warnings for item in items] == [
        ("age_ignored",),
        ("age_ignored",),
        ("sex_ignored",),
    ]
    assert [item.context.age_years for item in items] == [None, None, 3.0]
    assert [item.context.sex for item in items] == ["F", "F", ""]


def test_text_tsv_and_parquet_manifests_agree(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png\n\n  b.png  \na.png\n")
    (tmp_path / "list.tsv").write_text("n\tpath\n1\ta.png\n2\tb.png\n3\ta.png\n")
    table = pa.table({"path": ["a.png", "b.png", "a.png"], "age": [None, 3.0, float("nan")]})
    pq.write_table(table, tmp_path / "list.parquet")
    for name in ("list.txt", "list.tsv", "list.parquet"):
        paths = [item.path for item in list_batch(tmp_path / name).items]
        assert paths == ["a.png", "b.png"], name


def test_absolute_paths_stay_absolute(tmp_path: Path) -> None:
    elsewhere = (tmp_path / "elsewhere" / "a.png").as_posix()
    (tmp_path / "list.txt").write_text(elsewhere)
    (item,) = list_batch(tmp_path / "list.txt").items
    assert item.source.path == Path(elsewhere)
    assert item.path == elsewhere


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"image\na.png\n", "'image'"),
        ("list.csv", b"path,age\n,3\n", "row 1"),
        ("list.csv", b"path\n\xff\xfe\n", "UTF-8"),
        ("list.txt", b"\xff\xff\xff", "UTF-8"),
        ("list.parquet", b"junk", "Parquet"),
    ],
)
def test_unusable_manifests_say_why(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidValueError, match=message):
        list_batch(tmp_path / name)


def test_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="nowhere"):
        list_batch(tmp_path / "nowhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, an archive of two, a text, junk named like an image, an empty one."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.png", "sub/a.png"):
        Image.new("L", (8, 8)).save(folder / name)
    with zipfile.ZipFile(folder / "sub" / "c.zip", "w") as archive:
        for name in ("1.png", "d/2.png"):
            archive.write(folder / "b.png", name)
    (folder / "notes.md").write_text("no image")
    (folder / "junk.dcm").write_bytes(b"junk")
    (folder / "empty.jpg").write_bytes(b"")
    return folder


def test_folder_lists_what_is_or_claims_to_be_an_image_relative_to_itself(folder: Path) -> None:
    listing = list_batch(folder)
    paths = [item.path for item in listing.items]
    assert listing.root == folder.resolve()
    assert sorted(paths) == [
        "b.png",
        "empty.jpg",
        "junk.dcm",
        "sub/a.png",
        "sub/c.zip!1.png",
        "sub/c.zip!d/2.png",
    ]
    assert [item.path for item in list_batch(folder).items] == paths, "the order is fixed"


def test_a_single_file_is_a_batch_of_one(folder: Path) -> None:
    assert [item.path for item in list_batch(folder / "b.png").items] == ["b.png"]


def test_manifest_names_members_of_an_archive_and_keeps_a_missing_one(folder: Path) -> None:
    manifest = folder / "list.csv"
    manifest.write_text("path,age\nsub/c.zip,7\nsub/gone.zip,8\n")
    items = list_batch(manifest).items
    assert [(item.path, item.context.age_years) for item in items] == [
        ("sub/c.zip!1.png", 7.0),
        ("sub/c.zip!d/2.png", 7.0),
        ("sub/gone.zip", 8.0),
    ]
