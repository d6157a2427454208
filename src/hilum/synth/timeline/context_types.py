"""What is known of a patient beside the film: the request and the vital signs."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.errors import require
from hilum.types import Context

__all__ = ["PhantomContext"]


@dataclass(frozen=True, slots=True)
class PhantomContext:
    """Indication and vital signs that come with a phantom study.

    Temperature in degrees Celsius, heart and respiratory rate per minute, blood pressure in
    mmHg, oxygen saturation in percent, white cells in 10^9 per litre. ``fits`` names the
    finding that they were drawn for, empty where they tell nothing of what is on the film.
    """

    indication: str
    age_years: float
    sex: str
    temperature_c: float
    heart_rate: int
    respiratory_rate: int
    systolic_mmhg: int
    diastolic_mmhg: int
    oxygen_saturation: int
    white_cells: float
    fits: str = ""

    def __post_init__(self) -> None:
        require(0 < self.oxygen_saturation <= 100, "oxygen saturation is a percentage")
        require(
            self.diastolic_mmhg < self.systolic_mmhg, "diastolic pressure lies below the systolic"
        )

    @property
    def is_informative(self) -> bool:
        """Whether indication and vital signs were drawn for a finding."""
        return bool(self.fits)

    def to_context(self) -> Context:
        """The context as a study of Hilum takes it; the vital signs become its history."""
        history = (
            f"Temperature {self.temperature_c:.1f} °C, heart rate {self.heart_rate}/min, "
            f"respiratory rate {self.respiratory_rate}/min, blood pressure "
            f"{self.systolic_mmhg}/{self.diastolic_mmhg} mmHg, oxygen saturation "
            f"{self.oxygen_saturation} %, white cells {self.white_cells:.1f} x 10^9/L."
        )
        return Context(self.indication, history, self.age_years, self.sex)
