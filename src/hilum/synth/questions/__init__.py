"""Questions about phantoms, with true answers, evidence and adversarial twins."""

from hilum.synth.questions.asking import ask
from hilum.synth.questions.types import FORMS, TYPES, PhantomQuestion

__all__ = ["FORMS", "TYPES", "PhantomQuestion", "ask"]
