"""What is mutated: phantoms in every transfer syntax, and the sample files of pydicom."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from hilum.synth import render, sample_spec
from hilum.synth.files.dicom import to_dicom

__all__ = ["SECRET", "Seed", "load_seeds"]

SECRET = "ZZSECRET"
"""Stands in the names of the phantoms' patients; no message may repeat it."""
MAX_SAMPLE_BYTES = 250_000
SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
STEP = 8
"""Every which pixel of a phantom is kept: small files are quick to read."""


class Seed(NamedTuple):
    """A sound file."""

    name: str
    data: bytes


@cache
def load_seeds() -> tuple[Seed, ...]:
    """Phantoms first, then the samples in the order of their names."""
    samples = [path for path in sorted(SAMPLES.rglob("*.dcm")) if path.is_file()]
    found = [
        Seed(path.name, path.read_bytes())
        for path in samples
        if path.stat().st_size <= MAX_SAMPLE_BYTES
    ]
    return (*make_phantoms(), *found)


def make_phantoms() -> list[Seed]:
    dataset = to_dicom(render(sample_spec(np.random.default_rng(0))))
    dataset.PatientName, dataset.PatientID = f"{SECRET}^NAME", f"{SECRET}77"
    pixels = np.ascontiguousarray(dataset.pixel_array[::STEP, ::STEP])
    bits = int(dataset.BitsStored)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = pixels.tobytes()
    small = (pixels >> max(0, bits - 8)).astype(np.uint8)
    found = [Seed("phantom explicit", save(dataset))]
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        found.append(Seed(f"phantom {syntax.name}", save(dataset, syntax)))
    big = pixels.astype(">u2").tobytes()
    found.append(Seed("phantom big endian", save(dataset, ExplicitVRBigEndian, pixels=big)))
    for syntax in (RLELossless, JPEG2000Lossless):
        copy = read(save(dataset))
        copy.compress(syntax, generate_instance_uid=False)
        found.append(Seed(f"phantom {syntax.name}", save(copy)))
    encoded = {
        JPEGBaseline8Bit: (imagecodecs.jpeg8_encode(small), 8),
        JPEGLosslessSV1: (imagecodecs.ljpeg_encode(pixels, bitspersample=bits), bits),
        JPEGLSLossless: (imagecodecs.jpegls_encode(pixels), 16),
        HTJ2KLossless: (imagecodecs.htj2k_encode(pixels), 16),
    }
    for syntax, (frame, stored) in encoded.items():
        copy = read(save(dataset))
        copy.BitsAllocated = 8 if stored == 8 else 16
        copy.BitsStored, copy.HighBit = stored, stored - 1
        found.append(Seed(f"phantom {syntax.name}", save(copy, syntax, pixels=wrap(frame))))
    return found


def wrap(frame: bytes) -> bytes:
    return bytes(encapsulate([bytes(frame)]))


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def save(dataset: Dataset, syntax: UID | None = None, *, pixels: bytes | None = None) -> bytes:
    before = dataset.file_meta.TransferSyntaxUID
    raw, vr = dataset.PixelData, dataset["PixelData"].VR
    if pixels is not None:
        dataset.PixelData = pixels
        dataset["PixelData"].VR = "OB" if (syntax or before).is_compressed else "OW"
    dataset.file_meta.TransferSyntaxUID = syntax or before
    target = io.BytesIO()
    try:
        is_little = (syntax or before) != ExplicitVRBigEndian
        is_implicit = (syntax or before) == ImplicitVRLittleEndian
        options = {} if is_little else {"little_endian": False, "implicit_vr": is_implicit}
        if is_little:
            pydicom.dcmwrite(target, dataset, enforce_file_format=True)
        else:
            fresh = Dataset()
            fresh.update(dataset)
            fresh.file_meta = dataset.file_meta
            pydicom.dcmwrite(target, fresh, enforce_file_format=True, **options)
    finally:
        dataset.file_meta.TransferSyntaxUID = before
        dataset.PixelData = raw
        dataset["PixelData"].VR = vr
    return target.getvalue()
