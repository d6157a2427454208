"""Mutations of meaning: a file that is well formed and says something that cannot be."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
from pydicom.config import settings as pydicom_settings
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

__all__ = ["DATASET_MUTATIONS", "mutate_dataset"]

Rng = np.random.Generator
WORDS = (0, 1, 2, 3, 4, 7, 8, 9, 11, 12, 15, 16, 17, 24, 32, 64, 255, 4096, 32767, 32768, 65535)
IMAGE_WORDS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"),
    *("PixelRepresentation", "PlanarConfiguration"),
)
PHOTOMETRICS = (
    *("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "YBR_FULL"),
    *("YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB", "", "\\", "monochrome2 "),
)
CHARSETS = (
    *("ISO_IR 100", "ISO_IR 192", "GB18030", "GBK", "ISO_IR 13", "ISO 2022 IR 87", "UNKNOWN", ""),
    *("\\ISO 2022 IR 87\\ISO 2022 IR 159", "ISO_IR 100\\ISO_IR 192\\GB18030", "utf8", "\\\\\\"),
)
NUMBERS = (
    *("0", "1", "-1", "1e308", "-1e308", "1e-320", "nan", "inf", "-inf", "", "12,5", "1.0.0"),
    *("4095", "65536", "\\", "1\\2\\3\\4", "99999999999999999999"),
)
DECIMALS = (
    *("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "PixelSpacing"),
    *("ImagerPixelSpacing", "EstimatedRadiographicMagnificationFactor", "NumberOfFrames"),
    *("SeriesNumber", "InstanceNumber"),
)
DATES = (
    *("", "0", "99999999", "00000000", "20260230", "2026.01.02", "20260102-20270101", "1\\2"),
    *("19000101", "-2026010", "２０２６０１０２", "20260102"),
)
STRINGS = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientAge", "PatientSex", "StudyDate"),
    *("StudyTime", "AcquisitionDateTime", "AccessionNumber", "StudyDescription", "Modality"),
    *("ViewPosition", "PatientOrientation", "BodyPartExamined", "PresentationLUTShape"),
    *("VOILUTFunction", "RequestedProcedurePriority", "ReasonForTheRequestedProcedure"),
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
)
HOSTILE = (
    *("", " ", "\0", "\\", "\\\\\\\\", "A" * 300, "A" * 70_000, "é" * 100, "\ud7ff\ue000"),
    *("\u202e\u0000x", "=" * 20, "^" * 20, "../../x", "'; DROP TABLE studies;--", "<b>", "%s%n"),
    *("1.2." + "3" * 90, "1.2.840.10008.1.2", "0", "-1", "999Y", "STAT", "M\\F", "\x1b$B", "\r\n"),
)


def _put(dataset: Dataset, keyword: str, value: Any, vr: str = "") -> None:
    tag = pydicom.datadict.tag_for_keyword(keyword)
    assert tag is not None
    vr = vr or pydicom.datadict.dictionary_VR(tag).split(" ")[0]
    dataset[tag] = DataElement(tag, vr, value, validation_mode=0)


def image_words(rng: Rng, dataset: Dataset) -> None:
    for keyword in rng.choice(IMAGE_WORDS, int(rng.integers(1, 4)), replace=False):
        _put(dataset, str(keyword), int(rng.choice(WORDS)))


def image_words_wrong_vr(rng: Rng, dataset: Dataset) -> None:
    vr = str(rng.choice(["UL", "SS", "DS", "IS", "OB", "FD"]))
    value: Any = int(rng.choice(WORDS[:12]))
    if vr in ("DS", "IS"):
        value = str(rng.choice(NUMBERS))
    elif vr == "OB":
        value = rng.bytes(6)
    _put(dataset, str(rng.choice(IMAGE_WORDS)), float(value) if vr == "FD" else value, vr)


def without_image_words(rng: Rng, dataset: Dataset) -> None:
    for keyword in rng.choice(IMAGE_WORDS, int(rng.integers(1, 4)), replace=False):
        if keyword in dataset:
            delattr(dataset, str(keyword))


def photometric(rng: Rng, dataset: Dataset) -> None:
    _put(dataset, "PhotometricInterpretation", str(rng.choice(PHOTOMETRICS)))
    if rng.random() < 0.5:
        _put(dataset, "SamplesPerPixel", int(rng.choice([0, 1, 2, 3, 4, 65535])))


def charset(rng: Rng, dataset: Dataset) -> None:
    _put(dataset, "SpecificCharacterSet", str(rng.choice(CHARSETS)))
    name = bytes(rng.integers(1, 256, 24, dtype=np.uint8))
    dataset[0x00100010] = DataElement(0x00100010, "UN", name, validation_mode=0)


def strings(rng: Rng, dataset: Dataset) -> None:
    for keyword in rng.choice(STRINGS, int(rng.integers(1, 4)), replace=False):
        _put(dataset, str(keyword), str(rng.choice(HOSTILE)), "UT" if rng.random() < 0.3 else "LO")


def dates(rng: Rng, dataset: Dataset) -> None:
    for keyword in ("StudyDate", "AcquisitionDate", "PatientBirthDate", "ContentDate", "StudyTime"):
        _put(dataset, keyword, str(rng.choice(DATES)), "LO")


def decimals(rng: Rng, dataset: Dataset) -> None:
    for keyword in rng.choice(DECIMALS, int(rng.integers(1, 4)), replace=False):
        _put(dataset, str(keyword), str(rng.choice(NUMBERS)), "LO")


def padding(rng: Rng, dataset: Dataset) -> None:
    _put(dataset, "PixelPaddingValue", int(rng.choice(WORDS)), "US")
    if rng.random() < 0.5:
        _put(dataset, "PixelPaddingRangeLimit", int(rng.choice(WORDS)), "US")


def _table(rng: Rng) -> Dataset:
    item = Dataset()
    descriptor = [int(rng.choice(WORDS)) for _ in range(int(rng.choice([0, 1, 2, 3, 3, 3, 3, 4])))]
    item[0x00283002] = DataElement(0x00283002, "US", descriptor, validation_mode=0)
    if rng.random() < 0.9:
        data = rng.bytes(int(rng.choice([0, 1, 2, 255, 256, 511, 512, 8192, 131072])))
        item[0x00283006] = DataElement(0x00283006, str(rng.choice(["OW", "OB", "UN"])), data)
    return item


def tables(rng: Rng, dataset: Dataset) -> None:
    keyword = str(rng.choice(["ModalityLUTSequence", "VOILUTSequence"]))
    _put(dataset, keyword, Sequence([_table(rng) for _ in range(int(rng.integers(0, 4)))]))


def palette(rng: Rng, dataset: Dataset) -> None:
    _put(dataset, "PhotometricInterpretation", "PALETTE COLOR")
    for colour in ("Red", "Green", "Blue")[: int(rng.integers(1, 4))]:
        words = [int(rng.choice(WORDS)) for _ in range(3)]
        _put(dataset, f"{colour}PaletteColorLookupTableDescriptor", words, "US")
        size = int(rng.choice([0, 2, 255, 256, 512, 65536]))
        _put(dataset, f"{colour}PaletteColorLookupTableData", rng.bytes(size), "OW")


def overlay(rng: Rng, dataset: Dataset) -> None:
    group = 0x6000 + 2 * int(rng.integers(0, 16))
    values = (
        (0x0010, "US", int(rng.choice(WORDS))),
        (0x0011, "US", int(rng.choice(WORDS))),
        (0x0015, "IS", str(rng.choice(NUMBERS))),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [-32768, 32767]),
        (0x0100, "US", int(rng.choice(WORDS))),
        (0x0102, "US", int(rng.choice(WORDS))),
        (0x3000, "OW", rng.bytes(2 * int(rng.integers(0, 500)))),
    )
    for element, vr, value in values:
        if rng.random() < 0.8:
            dataset[(group, element)] = DataElement((group, element), vr, value, validation_mode=0)


def sequences(rng: Rng, dataset: Dataset) -> None:
    """Many items, deep nesting, items that hold the data set's own elements."""
    inner = Dataset()
    inner.CodeValue = "1"
    depth = int(rng.choice([1, 5, 60]))
    for _ in range(depth):
        outer = Dataset()
        _put(outer, "RequestAttributesSequence", Sequence([inner]))
        inner = outer
    items = [inner] * int(rng.choice([1, 5, 400 // depth]))
    keyword = str(rng.choice(["RequestAttributesSequence", "ViewCodeSequence", "VOILUTSequence"]))
    _put(dataset, keyword, Sequence(items))
    if rng.random() < 0.5:
        dataset[keyword].is_undefined_length = True


def many_elements(rng: Rng, dataset: Dataset) -> None:
    for number in range(int(rng.choice([100, 3000]))):
        tag = (0x0011 + 2 * (number // 0xE000), 0x1000 + number % 0xE000)
        dataset[tag] = DataElement(tag, "LO", "x")


def large_value(rng: Rng, dataset: Dataset) -> None:
    """One value of some megabytes where a short one belongs."""
    size = int(rng.choice([1, 4, 16])) << 20
    unit = (b"A", b"\\", b"1\\", b"^=", b"\xff", b"\0", b"\xfe\xff\x00\xe0\0\0\0\0")[
        int(rng.integers(0, 7))
    ]
    value = (unit * (size // len(unit)))[:size]
    keyword = str(rng.choice([*STRINGS, *DECIMALS, "ViewCodeSequence"]))
    tag = pydicom.datadict.tag_for_keyword(keyword)
    vr = str(rng.choice(["UT", "UC", "OB", "UN", "UR"]))
    raw: Any = value if vr in ("OB", "UN") else value.decode("latin-1")
    dataset[tag] = DataElement(tag, vr, raw, validation_mode=0)


def pixel_length(rng: Rng, dataset: Dataset) -> None:
    if "PixelData" not in dataset:
        return
    data = dataset.PixelData
    cut = data[: int(rng.integers(0, len(data) + 1))]
    kind = int(rng.integers(0, 4))
    value = (b"", cut, data + rng.bytes(64), data * 2)[kind]
    dataset.PixelData = value + b"\0" * (len(value) % 2)


def other_pixels(rng: Rng, dataset: Dataset) -> None:
    """Float and double pixels, or two kinds of pixel data at once."""
    rows, columns = (int(dataset.get(k, 8) or 8) for k in ("Rows", "Columns"))
    count = min(rows * columns, 1 << 18)
    floats = rng.normal(size=count)
    floats[: count // 3] = rng.choice([np.nan, np.inf, -np.inf, 1e308, 5e-324], count // 3)
    if rng.random() < 0.5 and "PixelData" in dataset:
        del dataset.PixelData
    with np.errstate(over="ignore"):
        if rng.random() < 0.5:
            _put(dataset, "FloatPixelData", floats.astype("<f4").tobytes(), "OF")
        else:
            _put(dataset, "DoubleFloatPixelData", floats.astype("<f8").tobytes(), "OD")


DATASET_MUTATIONS: tuple[Callable[[Rng, Dataset], None], ...] = (
    *(image_words, image_words, image_words, image_words_wrong_vr, without_image_words),
    *(photometric, photometric, charset, strings, strings, dates, decimals, decimals, padding),
    *(tables, tables, palette, overlay, sequences, many_elements, pixel_length, other_pixels),
)
HEAVY_MUTATIONS = (large_value,)
HEAVY_SHARE = 0.03


def _takes_for_ever(dataset: Dataset) -> bool:
    """Whether writing it does: pydicom's encoder of JIS X 0201 takes quadratic time."""
    return "13" in str(dataset.get("SpecificCharacterSet", "")) and any(
        isinstance(element.value, str) and len(element.value) > 1 << 17 for element in dataset
    )


def mutate_dataset(rng: Rng, data: bytes) -> bytes:
    """Some mutations of the data set, written back; the data as it was where that fails."""
    mode = pydicom_settings.writing_validation_mode
    pydicom_settings.writing_validation_mode = 0
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        for _ in range(int(rng.integers(1, 4))):
            pool = HEAVY_MUTATIONS if rng.random() < HEAVY_SHARE else DATASET_MUTATIONS
            pool[int(rng.integers(0, len(pool)))](rng, dataset)
        if _takes_for_ever(dataset):
            dataset.SpecificCharacterSet = "ISO_IR 192"
        target = io.BytesIO()
        pydicom.dcmwrite(target, dataset, enforce_file_format=False)
        return target.getvalue()
    except Exception:  # pydicom raises anything over what it cannot write
        return data
    finally:
        pydicom_settings.writing_validation_mode = mode
