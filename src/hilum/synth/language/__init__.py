"""Language of the phantom: reports and referring phrases, written from the truth."""

from hilum.synth.language.referring import refer
from hilum.synth.language.report import report_styles, write_report
from hilum.synth.language.types import Claim, PhantomReport, PhantomSentence, ReferringPhrase

__all__ = [
    "Claim",
    "PhantomReport",
    "PhantomSentence",
    "ReferringPhrase",
    "refer",
    "report_styles",
    "write_report",
]
