"""Which of a file's pixel spacings to believe, and which plane it refers to."""

from __future__ import annotations

from hilum.types import Issue, Spacing, SpacingOrigin

__all__ = ["choose_spacing"]

_PLAUSIBLE_MM = (0.01, 5.0)
_PLAUSIBLE_RATIO = 4.0
_PLAUSIBLE_MAGNIFICATION = (1.0, 5.0)
_MAX_FIELD_MM = 2000.0

Pair = tuple[float, ...]


def choose_spacing(
    *,
    pixel_mm: Pair,
    detector_mm: Pair,
    magnification: float | None,
    is_calibrated: bool,
    shape: tuple[int, int],
) -> tuple[Spacing | None, tuple[Issue, ...]]:
    """Choose the spacing of a projection radiograph (PS3.3 10.7.1.3).

    Args:
        pixel_mm: PixelSpacing (row, column) in mm, empty when not given.
        detector_mm: ImagerPixelSpacing, likewise.
        magnification: EstimatedRadiographicMagnificationFactor.
        is_calibrated: whether the file says how PixelSpacing was calibrated.
        shape: rows and columns of the image.

    Returns:
        The spacing, or None, and notes on what was not believed.

    PixelSpacing that merely repeats the detector's spacing is not a calibration: it stays
    at the detector plane unless the file says otherwise.
    """
    notes = []
    is_pixel_good, is_detector_good = (
        _is_plausible(pair, shape) for pair in (pixel_mm, detector_mm)
    )
    if (pixel_mm and not is_pixel_good) or (detector_mm and not is_detector_good):
        notes.append(
            Issue("spacing_implausible", "A pixel spacing in the file is implausible: not used.")
        )
    is_copy = is_detector_good and pixel_mm == detector_mm and not is_calibrated
    if is_pixel_good and not is_copy:
        return Spacing(pixel_mm[0], pixel_mm[1], SpacingOrigin.CALIBRATED), tuple(notes)
    if not is_detector_good:
        return None, tuple(notes)
    low, high = _PLAUSIBLE_MAGNIFICATION
    if magnification is not None and low <= magnification <= high:
        row_mm, column_mm = (value / magnification for value in detector_mm)
        return Spacing(row_mm, column_mm, SpacingOrigin.PATIENT), tuple(notes)
    if magnification is not None:
        notes.append(
            Issue("magnification_implausible", "The magnification is implausible: not used.")
        )
    return Spacing(detector_mm[0], detector_mm[1], SpacingOrigin.DETECTOR), tuple(notes)


def _is_plausible(pair: Pair, shape: tuple[int, int]) -> bool:
    low, high = _PLAUSIBLE_MM
    return (
        len(pair) == 2
        and all(low <= value <= high for value in pair)
        and max(pair) / min(pair) <= _PLAUSIBLE_RATIO
        and max(pair[0] * shape[0], pair[1] * shape[1]) <= _MAX_FIELD_MM
    )
