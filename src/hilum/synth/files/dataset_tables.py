"""Put a phantom data set together from the records of its patients.

The records are those of ``make_patient``, in the order of their numbers; the files written
here depend on nothing else, so an interrupted and an uninterrupted run end in the same bytes.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hilum._version import __version__
from hilum.errors import InvalidValueError
from hilum.synth.files.dataset import DatasetOptions, Record, fingerprint
from hilum.synth.files.dataset_rows import categories, columns
from hilum.synth.files.dataset_words import WORDS
from hilum.types import DISCLAIMER

__all__ = ["manifest_schema", "provenance", "write_tables"]

TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
}


def manifest_schema() -> pa.Schema:
    """The manifest's columns with their meaning as metadata."""
    return pa.schema(
        [pa.field(name, TYPES[kind], metadata={"meaning": text}) for name, kind, text in columns()]
    )


def provenance(options: DatasetOptions) -> dict[str, Any]:
    """Where a data set comes from: options, seeds, versions; no clock, no machine's name."""
    return {
        "made_by": "hilum phantom",
        "hilum_version": __version__,
        "fingerprint": fingerprint(options),
        "options": asdict(options),
        "seeds": "numpy default_rng([seed, number of the patient]); words: and study and film",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "disclaimer": f"Simulated, no patient. {DISCLAIMER}",
    }


def write_tables(folder: Path, options: DatasetOptions, records: Iterable[Record]) -> int:
    """Write manifest, annotations, texts, provenance and README; returns the films' number.

    Raises:
        InvalidValueError: A file cannot be written.
    """
    rows: list[dict[str, Any]] = []
    try:
        with ExitStack() as stack:
            opened = {
                name: stack.enter_context((folder / f"{name}.jsonl").open("w", encoding="utf-8"))
                for name in WORDS
            }
            annotations: list[list[dict[str, Any]]] = []
            for record in records:
                rows += record["rows"]
                annotations += record["annotations"]
                for name, lines in record["words"].items():
                    opened[name].writelines(f"{_json(line)}\n" for line in lines)
        table = pa.Table.from_pylist(rows, schema=manifest_schema())
        pq.write_table(table, folder / "manifest.parquet")
        coco = _coco(rows, annotations)
        (folder / "annotations.json").write_text(_json(coco) + "\n", encoding="utf-8")
        told = json.dumps(provenance(options), indent=2)
        (folder / "README.md").write_text(_readme(options, len(rows)), encoding="utf-8")
        # last: it says that the data set is complete
        (folder / "provenance.json").write_text(f"{told}\n", encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"cannot write into {folder}: {error.strerror}") from error
    return len(rows)


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _coco(rows: list[dict[str, Any]], annotations: list[list[dict[str, Any]]]) -> dict[str, Any]:
    images = [
        {
            "id": number,
            "file_name": row["path"],
            "width": row["columns"],
            "height": row["rows"],
        }
        for number, row in enumerate(rows, 1)
    ]
    return {
        "info": {"description": "Hilum phantoms; simulated, no patient", "version": __version__},
        "images": images,
        "categories": list(categories()),
        "annotations": list(_numbered(annotations)),
    }


def _numbered(annotations: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    number = 0
    for image, found in enumerate(annotations, 1):
        for annotation in found:
            number += 1
            yield {"id": number, "image_id": image, **annotation}


def _readme(options: DatasetOptions, films: int) -> str:
    kind = "courses of studies" if options.has_courses else "one study each"
    command = "patient" if options.has_courses else "dataset"
    texts = "\n".join(f"- `{name}.jsonl`: {what}" for name, what in WORDS.items())
    kept = "`masks/ID.json` (COCO RLE)" if options.masks == "rle" else "`masks/ID/NAME.png`"
    table = "\n".join(f"| `{name}` | {kind_} | {text} |" for name, kind_, text in columns())
    return f"""# Phantom chest radiographs

{films} simulated films of {options.count} patients ({kind}), made by
`hilum phantom {command} --seed {options.seed} --count {options.count}` (Hilum {__version__}).
No patient and no real radiograph is behind any of it; all of it is true by construction.
{DISCLAIMER}

- `manifest.parquet`: one row a film, columns below
- `images/`: {options.image_format.upper()}, {options.bits} bits
- {kept}: every structure, `finding_N`, `device_N` (counted from 0)
- `truth/ID.json`: landmarks, measurements, findings, devices and the full spec
- `annotations.json`: COCO boxes and masks of findings and devices
{texts}
- `provenance.json`: options, seeds, versions

| column | type | meaning |
| --- | --- | --- |
{table}
"""
