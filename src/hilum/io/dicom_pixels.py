"""The stored pixel matrix of one DICOM frame, in any transfer syntax that can be decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import convert_color_space, get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
    UID_dictionary,
)

from hilum.errors import HilumError, ResourceLimitError, UnreadableImageError
from hilum.io.codestream import read_frame_size
from hilum.io.dicom_header import DicomHeader, is_transfer_syntax
from hilum.io.elements import quiet, read_integer, read_text
from hilum.io.limits import MAX_FILE_BYTES, require_pixels
from hilum.io.rle import decode_rle
from hilum.types import Issue

__all__ = ["StoredFrame", "decode_frame"]

_SINGLE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_MAX_FRAME_OVERHEAD = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrame:
    """One decoded frame, before any grey-scale transformation.

    ``array`` is ``(rows, columns)``, or ``(rows, columns, 3)`` in RGB. ``high_bit`` and
    ``bits_stored`` say which bits of a word are the value.
    """

    array: npt.NDArray[Any]
    photometric: str
    bits_stored: int
    high_bit: int
    is_signed: bool
    frames: int
    notes: tuple[Issue, ...]


@dataclass(slots=True)
class _Layout:
    """What the image pixel module says, made consistent."""

    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    planar: int
    frames: int
    notes: list[Issue]
    is_encapsulated: bool = False

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        bits = self.rows * self.columns * self.samples * self.bits_allocated
        if self.photometric == "YBR_FULL_422":
            bits = bits * 2 // 3
        return (bits + 7) // 8


def decode_frame(header: DicomHeader) -> StoredFrame:
    """Decode the middle frame of the pixel data (the only one of an ordinary radiograph).

    Raises:
        UnreadableImageError: there is no pixel data, or it cannot be decoded.
        ResourceLimitError: the header or the compressed frame declares too many pixels.
    """
    if not header.keyword:
        name = _name_object(header)
        raise UnreadableImageError(
            f"the DICOM file holds no pixel data ({name}); expected an image"
        )
    if not is_transfer_syntax(header.syntax):
        raise UnreadableImageError(
            "the pixel data is compressed in an unknown way (its transfer syntax is not a DICOM "
            "one); export the image again, uncompressed"
        )
    layout = _read_layout(header)
    require_pixels(layout.rows, layout.columns)
    try:
        with quiet():
            array = _decode(header, layout)
    except HilumError:
        raise
    except Exception as error:
        raise UnreadableImageError(
            f"the pixel data cannot be decoded ({header.syntax.name}); it is damaged, or not "
            "what the header says. Export the image again"
        ) from error
    if array.dtype.byteorder not in ("=", "|"):
        array = array.astype(array.dtype.newbyteorder("="))
    return StoredFrame(
        array=array,
        photometric=layout.photometric,
        bits_stored=layout.bits_stored,
        high_bit=layout.high_bit,
        is_signed=layout.is_signed,
        frames=layout.frames,
        notes=tuple(layout.notes),
    )


def _name_object(header: DicomHeader) -> str:
    uid = read_text(header.dataset, "SOPClassUID")
    uid = uid or read_text(header.dataset.file_meta, "MediaStorageSOPClassUID")
    return UID(uid).name if uid in UID_dictionary else "an unknown kind of object"


def _read_layout(header: DicomHeader) -> _Layout:
    dataset = header.dataset
    rows, columns = (read_integer(dataset, name, 0) for name in ("Rows", "Columns"))
    if rows < 1 or columns < 1:
        raise UnreadableImageError(
            f"the header says {rows} rows and {columns} columns; expected at least 1 each. "
            "Export the image again"
        )
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
        header.keyword, read_integer(dataset, "BitsAllocated", 16)
    )
    stored = read_integer(dataset, "BitsStored", allocated)
    if not 1 <= stored <= allocated:
        stored = allocated
    high = read_integer(dataset, "HighBit", stored - 1)
    layout = _Layout(
        rows=rows,
        columns=columns,
        samples=read_integer(dataset, "SamplesPerPixel", 1),
        photometric=read_text(dataset, "PhotometricInterpretation").upper() or "MONOCHROME2",
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high if stored - 1 <= high < allocated else stored - 1,
        is_signed=read_integer(dataset, "PixelRepresentation", 0) == 1,
        planar=read_integer(dataset, "PlanarConfiguration", 0),
        frames=max(1, read_integer(dataset, "NumberOfFrames", 1)),
        notes=[],
    )
    layout.is_encapsulated = header.syntax.is_compressed
    if layout.is_encapsulated and header.length == layout.frame_bytes * layout.frames:
        # Fragments never have a defined length, so these are plain pixels.
        layout.is_encapsulated = False
        layout.notes.append(
            Issue(
                "transfer_syntax_corrected",
                "The pixel data is not compressed, although the header says that it is.",
            )
        )
    if not layout.is_encapsulated:
        _fit_samples(layout, _count_native_samples(header, layout))
    return layout


def _count_native_samples(header: DicomHeader, layout: _Layout) -> int:
    """Samples per pixel that the length of uncompressed pixel data allows for."""
    length = header.length or 0
    per_sample = layout.rows * layout.columns * layout.bits_allocated * layout.frames / 8
    is_subsampled = layout.photometric == "YBR_FULL_422"
    wanted = layout.samples * per_sample * (2 / 3 if is_subsampled else 1)
    if length >= wanted or layout.samples not in (1, 3):
        return layout.samples
    return 1 if length >= per_sample else layout.samples


def _fit_samples(layout: _Layout, samples: int, *, colour: str = "RGB") -> None:
    """Make samples per pixel and photometric interpretation agree, with a note."""
    if samples not in (1, 3):
        raise UnreadableImageError(f"the image has {samples} samples a pixel; expected 1 or 3")
    is_single = layout.photometric in _SINGLE_SAMPLE
    if samples == layout.samples and is_single == (samples == 1):
        return
    layout.notes.append(
        Issue(
            "photometric_corrected",
            "The header's photometric interpretation or samples per pixel do not fit the pixel "
            f"data, which was read with samples per pixel {samples}.",
        )
    )
    layout.samples = samples
    if is_single != (samples == 1):
        layout.photometric = "MONOCHROME2" if samples == 1 else colour


def _fit_precision(layout: _Layout, precision: int) -> None:
    """Trust the codestream for the bits of a value: some headers state fewer."""
    if not 1 <= precision <= 16:
        raise UnreadableImageError(
            f"the compressed frame has {precision} bits a pixel; expected 1 to 16"
        )
    layout.bits_stored = precision
    layout.high_bit = precision - 1
    layout.bits_allocated = max(layout.bits_allocated, 16 if precision > 8 else 8)


def _decode(header: DicomHeader, layout: _Layout) -> npt.NDArray[Any]:
    index = layout.frames // 2 if layout.frames > 1 else 0
    header.file.seek(header.offset)
    if not layout.is_encapsulated:
        _require_native_bytes(header, layout, index)
        syntax = ExplicitVRLittleEndian if header.syntax.is_compressed else header.syntax
        return _run_decoder(header, layout, syntax, header.file, index)
    frame = _read_encapsulated(header, layout, index)
    if header.syntax != RLELossless:
        layout.frames, frames = 1, layout.frames
        array = _run_decoder(header, layout, header.syntax, encapsulate([frame], has_bot=False), 0)
        layout.frames = frames
        return array
    array = decode_rle(
        frame,
        shape=(layout.rows, layout.columns, layout.samples),
        bytes_per_sample=layout.bits_allocated // 8,
    )
    if layout.photometric == "YBR_FULL":
        array, layout.photometric = convert_color_space(array, "YBR_FULL", "RGB"), "RGB"
    return array if layout.samples > 1 else array[..., 0]


def _run_decoder(
    header: DicomHeader, layout: _Layout, syntax: UID, source: Any, index: int
) -> npt.NDArray[Any]:
    """Decode with pydicom, with what the header says replaced by ``layout``."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise UnreadableImageError(
            f"the transfer syntax {syntax.name} is not supported; export the image "
            "uncompressed or as JPEG 2000"
        ) from None
    array, properties = decoder.as_array(
        source,
        index=index,
        view_only=True,
        correct_unused_bits=False,
        rows=layout.rows,
        columns=layout.columns,
        samples_per_pixel=layout.samples,
        photometric_interpretation=layout.photometric,
        bits_allocated=layout.bits_allocated,
        bits_stored=layout.bits_stored,
        pixel_representation=int(layout.is_signed),
        planar_configuration=layout.planar,
        number_of_frames=layout.frames,
        pixel_keyword=header.keyword,
        pixel_vr=header.vr,
    )
    if layout.samples == 3:
        layout.photometric = str(properties["photometric_interpretation"])
    return array  # type: ignore[no-any-return]


def _require_native_bytes(header: DicomHeader, layout: _Layout, index: int) -> None:
    end = header.file.seek(0, 2)
    header.file.seek(header.offset)
    available = end - header.offset
    if header.length is not None:
        available = min(available, header.length)
    expected = layout.frame_bytes * (index + 1)
    if available < expected:
        raise UnreadableImageError(
            f"the pixel data is cut short: got {max(0, available):,} bytes, expected "
            f"{expected:,}. Export or transfer the image again"
        )


def _read_encapsulated(header: DicomHeader, layout: _Layout, index: int) -> bytes:
    """The joined fragments of one frame, once the size that it declares has been checked."""
    if layout.frame_bytes > MAX_FILE_BYTES:
        raise ResourceLimitError("the frame would take more memory than is allowed")
    offsets = header.dataset.get("ExtendedOffsetTable")
    lengths = header.dataset.get("ExtendedOffsetTableLengths")
    frame = get_frame(
        header.file,
        index,
        number_of_frames=layout.frames,
        extended_offsets=(offsets, lengths) if offsets and lengths else None,
    )
    if len(frame) > 4 * layout.frame_bytes + _MAX_FRAME_OVERHEAD:
        raise UnreadableImageError(
            f"the compressed frame has {len(frame):,} bytes, far more than the "
            f"{layout.frame_bytes:,} of its pixels; the file is damaged"
        )
    size = read_frame_size(frame)
    if size is not None:
        if (size.rows, size.columns) != (layout.rows, layout.columns):
            require_pixels(size.rows, size.columns)
            raise UnreadableImageError(
                f"the compressed frame has {size.rows} x {size.columns} pixels, the header says "
                f"{layout.rows} x {layout.columns}; export the image again"
            )
        # Lossy JPEG stores luma and chroma unless it says otherwise.
        is_lossy_jpeg = header.syntax in (JPEGBaseline8Bit, JPEGExtended12Bit)
        colour = "YBR_FULL_422" if is_lossy_jpeg else "RGB"
        _fit_samples(layout, size.components, colour=colour)
        _fit_precision(layout, size.precision)
    else:
        _fit_samples(layout, layout.samples)
    return frame  # type: ignore[no-any-return]
