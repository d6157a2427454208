"""How the stored values of a DICOM frame become grey in [0, 1].

Modality transformation, then VOI table or window, then polarity (PS3.4 N.2). Padding is
shown as air and does not count towards the range of an image without a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels import apply_color_lut

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.io import lut
from hilum.io.dicom_header import DicomHeader
from hilum.io.dicom_pixels import StoredFrame
from hilum.io.elements import (
    MAX_SEQUENCE_BYTES,
    quiet,
    read_first,
    read_items,
    read_numbers,
    read_text,
    read_value,
)
from hilum.io.gray import compute_chroma, rgb_to_gray
from hilum.types import FloatImage, Issue, Mask

__all__ = ["Display", "LookupTable", "read_display", "render_frame", "render_values"]


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A modality or VOI lookup table: entry 0 of ``entries`` belongs to the value ``first``."""

    first: int
    entries: npt.NDArray[np.float64]
    bits: int


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """The grey-scale transformation that a header asks for."""

    modality_table: LookupTable | None = None
    slope: float = 1.0
    intercept: float = 0.0
    voi_table: LookupTable | None = None
    window: tuple[float, float] | None = None
    window_function: lut.WindowFunction = lut.WindowFunction.LINEAR
    padding: tuple[float, float] | None = None
    is_inverted: bool = False
    notes: tuple[Issue, ...] = ()


def read_display(header: DicomHeader, frame: StoredFrame) -> Display:
    """Read the transformation from the header; malformed parts are left out, with a note."""
    dataset = header.dataset
    notes: list[Issue] = []
    modality = _read_table(header, "ModalityLUTSequence", is_signed=frame.is_signed)
    slope, intercept = read_first(dataset, "RescaleSlope"), read_first(dataset, "RescaleIntercept")
    if slope == 0:
        notes.append(Issue("rescale_ignored", "The rescale slope is 0 and was ignored."))
        slope = intercept = None
    function = _read_window_function(dataset, notes)
    is_negative = frame.is_signed if modality is None else False
    shape = read_text(dataset, "PresentationLUTShape").upper()
    return Display(
        modality_table=modality,
        slope=1.0 if slope is None else slope,
        intercept=intercept or 0.0,
        voi_table=_read_table(
            header, "VOILUTSequence", is_signed=is_negative or (intercept or 0.0) < 0
        ),
        window=_read_window(dataset, notes),
        window_function=function,
        padding=_read_padding(dataset, frame),
        # MONOCHROME1 and INVERSE say the same thing (PS3.3 C.8.11.3), so they do not cancel.
        is_inverted=frame.photometric == "MONOCHROME1" or shape == "INVERSE",
        notes=tuple(notes),
    )


def _read_window_function(dataset: Any, notes: list[Issue]) -> lut.WindowFunction:
    name = read_text(dataset, "VOILUTFunction").upper() or "LINEAR"
    try:
        return lut.WindowFunction(name)
    except ValueError:
        notes.append(
            Issue("window_function_unknown", "The window function is unknown; LINEAR was used.")
        )
        return lut.WindowFunction.LINEAR


def _read_window(dataset: Any, notes: list[Issue]) -> tuple[float, float] | None:
    centers, widths = (read_numbers(dataset, name) for name in ("WindowCenter", "WindowWidth"))
    count = min(len(centers), len(widths))
    if count > 1:
        notes.append(
            Issue("several_windows", f"The file offers {count} windows; the first was used.")
        )
    return (centers[0], widths[0]) if count else None


def _read_table(header: DicomHeader, keyword: str, *, is_signed: bool) -> LookupTable | None:
    """The first table of a lookup table sequence, None when there is none that is usable."""
    for item in read_items(header.dataset, keyword)[:1]:
        descriptor = [int(value) for value in read_numbers(item, "LUTDescriptor")]
        if len(descriptor) != 3 or not 1 <= descriptor[2] <= 16:
            return None
        # The three values share one representation, so a sign may be on the wrong one.
        count = descriptor[0] & 0xFFFF or 1 << 16
        first = descriptor[1]
        if is_signed and first > 0x7FFF:
            first -= 1 << 16
        entries = _read_table_data(item, count, header.is_little_endian)
        if entries.size:
            return LookupTable(first, entries, descriptor[2])
    return None


def _read_table_data(item: Any, count: int, is_little_endian: bool) -> npt.NDArray[np.float64]:
    data = read_value(item, "LUTData", limit=MAX_SEQUENCE_BYTES)
    if isinstance(data, bytes):
        # 8-bit tables are packed two entries a word, or one; the length tells.
        dtype = ("<u2" if is_little_endian else ">u2") if len(data) >= 2 * count else "u1"
        usable = len(data) // np.dtype(dtype).itemsize
        return np.frombuffer(data, dtype, min(count, usable)).astype(np.float64)
    values = [] if data is None else list(data) if hasattr(data, "__iter__") else [data]
    return np.asarray(values[:count], np.int64).astype(np.uint16).astype(np.float64)


def _read_padding(dataset: Any, frame: StoredFrame) -> tuple[float, float] | None:
    """Lowest and highest stored value that is padding (PS3.3 C.7.5.1.1.2)."""
    value = read_first(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = read_first(dataset, "PixelPaddingRangeLimit")
    ends = [_as_stored(end, frame) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(value: float, frame: StoredFrame) -> float:
    """Undo a padding value that was written with the wrong signedness."""
    if frame.array.dtype.kind == "f":
        return value
    span = 1 << (8 * frame.array.dtype.itemsize)
    if frame.is_signed and value >= span / 2:
        return value - span
    return value + span if not frame.is_signed and value < 0 else value


def render_frame(
    header: DicomHeader, frame: StoredFrame
) -> tuple[FloatImage, float, tuple[Issue, ...]]:
    """Pixels float32 ``(rows, columns)`` in [0, 1], their chroma, and notes.

    Raises:
        UnreadableImageError: a colour image without its palette.
    """
    array = frame.array
    if frame.photometric == "PALETTE COLOR":
        array = _apply_palette(header, frame)
    if array.ndim == 3:
        full_range = float((1 << frame.bits_stored) - 1)
        if frame.photometric == "PALETTE COLOR":
            full_range = float(np.iinfo(array.dtype).max)
        return rgb_to_gray(array, full_range), compute_chroma(array, full_range), ()
    display = read_display(header, frame)
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 2:
        words = array.view(f"u{array.dtype.itemsize}")
        used = lut.find_used_words(words)
        values = lut.unpack_words(
            np.arange(used.size, dtype=words.dtype),
            bits_stored=frame.bits_stored,
            high_bit=frame.high_bit,
            is_signed=frame.is_signed,
        )
        table, notes = render_values(values, used, display)
        return lut.apply_table(words, table), 0.0, notes
    pixels, notes = render_values(array, np.ones(array.shape, np.bool_), display)
    return pixels, 0.0, notes


def _apply_palette(header: DicomHeader, frame: StoredFrame) -> npt.NDArray[Any]:
    try:
        with quiet():
            return apply_color_lut(frame.array, header.dataset)[..., :3]  # type: ignore[no-any-return]
    except Exception as error:
        raise UnreadableImageError(
            "the colour palette is missing or damaged; export the image in grey"
        ) from error


def render_values(
    values: npt.NDArray[Any], used: Mask, display: Display
) -> tuple[FloatImage, tuple[Issue, ...]]:
    """Transform stored values to grey.

    Args:
        values: stored values, an image or all values that a word can take; any shape.
        used: which of them occur in the image; same shape.
        display: the transformation.

    Returns:
        float32 of the same shape in [0, 1], and notes. Padding and values that are not
        finite become 0 (air).
    """
    notes = list(display.notes)
    if values.dtype.kind != "f" or values.dtype.itemsize < 8:
        values = values.astype(np.float64 if values.size <= 1 << 16 else np.float32)
    finite = np.isfinite(values)
    if not finite[used].all():
        notes.append(Issue("not_finite", "Pixels that are not finite are shown as air."))
    used = used & finite
    if display.padding is not None:
        low, high = display.padding
        used &= (values < low) | (values > high)
    if not used.any():
        notes.append(Issue("only_padding", "The image holds no pixel that is not padding."))
        return np.zeros(values.shape, np.float32), tuple(notes)
    with np.errstate(all="ignore"):
        mapped = _apply_modality(values, display)
        shown = _apply_voi(mapped, used, display, notes).astype(np.float32)
    if display.is_inverted:
        np.subtract(1.0, shown, out=shown)
    np.clip(np.nan_to_num(shown, copy=False), 0.0, 1.0, out=shown)
    _blank_unused(shown, values, display)
    return shown, tuple(notes)


def _blank_unused(shown: FloatImage, values: npt.NDArray[Any], display: Display) -> None:
    """Show padding and values that are not finite as air."""
    shown[~np.isfinite(values)] = 0.0
    if display.padding is not None:
        low, high = display.padding
        shown[(values >= low) & (values <= high)] = 0.0


def _apply_modality(values: npt.NDArray[Any], display: Display) -> npt.NDArray[Any]:
    if (table := display.modality_table) is not None:
        return lut.apply_lookup(values, table.first, table.entries)
    if display.slope == 1.0 and display.intercept == 0.0:
        return values
    return lut.apply_rescale(values, display.slope, display.intercept)


def _apply_voi(
    mapped: npt.NDArray[Any], used: Mask, display: Display, notes: list[Issue]
) -> npt.NDArray[Any]:
    """VOI table, else window, else the full range; the latter too if a window shows nothing."""
    occurring = mapped[used]
    low, high = float(np.nanmin(occurring)), float(np.nanmax(occurring))
    shown = None
    if (table := display.voi_table) is not None:
        # Tables that use less than half of their declared range would show a black image.
        top = float(table.entries.max())
        full = float((1 << table.bits) - 1)
        shown = lut.apply_lookup(mapped, table.first, table.entries)
        shown = shown / (full if top > full / 2 or top == 0 else top)
    elif display.window is not None:
        try:
            shown = lut.apply_window(mapped, *display.window, display.window_function)
        except InvalidValueError:
            shown = None
    is_given = display.voi_table is not None or display.window is not None
    if shown is not None and (low == high or np.ptp(shown[used]) > 0):
        return shown
    if is_given and low < high:
        notes.append(
            Issue(
                "window_ignored",
                "The window stored in the file shows none of the image; its full range is shown.",
            )
        )
    return lut.stretch(mapped, low, high)
