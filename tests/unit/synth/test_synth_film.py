"""The physics of exposure: Beer-Lambert, inverse square, noise with dose, display."""

from dataclasses import replace

import numpy as np
import pytest

from hilum.synth.imaging.beam_quality import attenuation, make_spectrum
from hilum.synth.imaging.film import add_noise, add_scatter, display, finish, primary_signal
from hilum.synth.thorax.space import Beam
from hilum.synth.types import Imaging

BEAM = Beam(pixels=(128, 128))
PLAIN = Imaging(scatter=0.0, heel=0.0, blur_mm=0.0, marker="")


def slab(water=0.0, bone=0.0):
    shape = (128, 128)
    return {"water": np.full(shape, water, np.float32), "bone": np.full(shape, bone, np.float32)}


def test_attenuation_is_that_of_the_tables():
    assert attenuation("water", 60.0) == pytest.approx(0.02059, rel=1e-6)
    assert attenuation("cortical_bone", 60.0) == pytest.approx(0.3148 * 1.92 / 10, rel=1e-6)
    between = attenuation("water", 70.0)
    assert attenuation("water", 80.0) < between < attenuation("water", 60.0)


def test_a_hard_beam_hardens_further():
    spectrum = make_spectrum(120.0)
    assert spectrum.fluence.sum() == pytest.approx(1.0)
    thick = np.array([0.0, 100.0, 200.0], np.float32)
    passed = spectrum.transmit(thick, np.zeros(3, np.float32))
    first, second = -np.log(passed[1] / passed[0]), -np.log(passed[2] / passed[1])
    assert passed[0] == pytest.approx(1.0, abs=1e-5)
    assert 0.5 * first < second < first  # a single energy would give equality
    mean = float(spectrum.kev @ spectrum.fluence)
    assert first < 100 * attenuation("water", 40.0)
    assert 50.0 < mean < 80.0


def test_bone_stops_more_than_water_and_less_so_at_high_voltage():
    contrast = {}
    for kvp in (70.0, 125.0):
        spectrum = make_spectrum(kvp)
        zero, ten = np.zeros(1, np.float32), np.full(1, 10.0, np.float32)
        contrast[kvp] = float(
            np.log(spectrum.transmit(ten, zero) / spectrum.transmit(zero, ten))[0]
        )
    assert contrast[70.0] > contrast[125.0] > 0


def test_the_signal_falls_with_the_square_of_the_distance():
    near, far = (
        primary_signal(slab(), Beam(source_mm=d, pixels=(128, 128), field_mm=(1000, 1000)), PLAIN)
        for d in (1000.0, 2000.0)
    )
    corner = np.hypot(499, 499)
    assert near[64, 64] == pytest.approx(1.0, abs=1e-3)
    assert near[0, 0] == pytest.approx(1 / (1 + (corner / 1000) ** 2), rel=0.02)
    assert far[0, 0] == pytest.approx(1 / (1 + (corner / 2000) ** 2), rel=0.02)


def test_the_heel_darkens_one_end():
    signal = primary_signal(slab(), BEAM, replace(PLAIN, heel=0.1))
    assert signal[0, 64] < signal[64, 64] < signal[-1, 64]


def test_noise_variance_goes_with_the_inverse_of_the_dose():
    rng = np.random.default_rng(0)
    even = np.full((256, 256), 0.5, np.float32)
    spread = {
        dose: float((add_noise(even, BEAM, replace(PLAIN, dose=dose), rng) / 0.5).var())
        for dose in (1.0, 2.0, 4.0)
    }
    assert spread[1.0] / spread[2.0] == pytest.approx(2.0, rel=0.06)
    assert spread[1.0] / spread[4.0] == pytest.approx(4.0, rel=0.06)


def test_scatter_adds_and_lowers_contrast():
    signal = np.full((128, 128), 0.4, np.float32)
    signal[:, 64:] = 0.1
    blurred = add_scatter(signal, BEAM, replace(PLAIN, scatter=0.4))
    assert (blurred > signal).all()
    before = signal[64, 20] / signal[64, 110]
    assert blurred[64, 20] / blurred[64, 110] < 0.8 * before
    assert add_scatter(signal, BEAM, PLAIN) is signal


def test_equalising_narrows_wide_contrast_and_keeps_fine_contrast():
    signal = np.full((256, 256), 0.4, np.float32)
    signal[:, 128:], signal[200:] = 0.02, 1.0  # two halves of a body above air
    signal[60:64, 60:64] *= 0.9
    flat, plain = (
        display(signal, replace(PLAIN, equalise=share, window=(0.0, 100.0))) for share in (0.6, 0.0)
    )

    def contrasts(grey):
        wide = grey[:150, 200:].mean() - grey[:150, :50].mean()
        return wide, grey[62, 62] - grey[50:54, 50:54].mean()

    (wide, fine), (wide_plain, fine_plain) = contrasts(flat), contrasts(plain)
    assert wide > 0
    assert abs(fine) / wide > 1.2 * abs(fine_plain) / wide_plain


def test_the_display_shows_air_dark_and_keeps_order():
    signal = np.linspace(0.01, 1.0, 128 * 128, dtype=np.float32).reshape(128, 128)
    grey = display(signal, replace(PLAIN, equalise=0.0))
    assert grey.min() == pytest.approx(0.0, abs=1e-6)
    assert 0.8 < grey.max() <= 1.0
    assert (np.diff(grey.ravel()) <= 0).all()
    assert np.ptp(display(np.full((64, 64), 0.2, np.float32), PLAIN)) == 0.0


def test_the_skin_does_not_decide_the_window():
    signal = np.full((256, 256), 0.02, np.float32)
    signal[80:200, 90:160] = 0.06  # a lung
    bare, rimmed = signal.copy(), signal.copy()
    bare[:, :4] = rimmed[:, :4] = 1.0
    rimmed[:, 4:40] = np.linspace(1.0, 0.02, 36)  # a large patient's flank

    def contrast(film):
        grey = display(film, replace(PLAIN, equalise=0.0, window=(1.0, 99.0)))
        return grey[100, 180] - grey[100, 120]

    assert contrast(rimmed) == pytest.approx(contrast(bare), abs=0.02)


def test_collimation_and_marker():
    grey = np.full((256, 256), 0.5, np.float32)
    out = finish(grey, replace(PLAIN, collimation=(0.1, 0.0, 0.05, 0.0), marker="R"))
    assert (out[:, :25] == 0).all()
    assert (out[:, -12:] == 0).all()
    ink = np.argwhere(out > 0.9)
    assert len(ink) > 10
    assert ink[:, 1].max() < 128  # the patient's right is on the left of the image
    assert (grey == 0.5).all()
