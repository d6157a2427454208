"""What is said about a film of a phantom data set: lines for its JSONL files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from hilum.synth.changes import compare
from hilum.synth.files.dataset_rows import Film
from hilum.synth.gaze import PATTERNS, simulate_reader
from hilum.synth.language import refer, report_styles, write_report
from hilum.synth.questions import ask
from hilum.synth.types import PhantomImage

__all__ = ["WORDS", "words_of"]

WORDS = {
    "reports": "a report: text, style, sentences with their claims and what they rest on",
    "phrases": "referring phrases: words that mean exactly one region",
    "questions": "questions with true answers, twins of opposite answer and evidence",
    "gaze": "a simulated reader: skill, pattern, fixations (x, y in pixels), outcome by finding",
    "contexts": "indication and vital signs",
    "changes": "true changes since the study before",
    "events": "what was done since the study before",
}
"""The JSONL files and what their lines hold; each line names its ``film``."""


def words_of(
    film: Film, image: PhantomImage, prior: PhantomImage | None, rng: np.random.Generator
) -> dict[str, list[dict[str, Any]]]:
    """Lines by file. A lateral film has no text of its own but its context.

    Args:
        film: Which film it is.
        image: The film rendered.
        prior: The first film of the study before, None in the first study.
        rng: Decides the words.
    """
    lines: dict[str, list[dict[str, Any]]] = {name: [] for name in WORDS}
    if film.number:
        return lines
    lines["contexts"].append(asdict(film.context))
    style = str(rng.choice(report_styles()))
    report = write_report(image, rng=rng, style=style, prior=prior, context=film.context)
    lines["reports"].append({"text": report.text, **asdict(report)})
    lines["phrases"] += [asdict(phrase) for phrase in refer(image, rng=rng)]
    lines["questions"] += [asdict(question) for question in ask(image, rng=rng, prior=prior)]
    skill, pattern = round(float(rng.uniform(0.3, 1.0)), 3), str(rng.choice(PATTERNS))
    reader = simulate_reader(image, rng=rng, skill=skill, pattern=pattern)
    lines["gaze"].append(
        {
            "skill": skill,
            "pattern": pattern,
            "fixations": [asdict(fixation) for fixation in reader.fixations],
            "outcomes": {str(index): str(end) for index, end in reader.outcomes.items()},
        }
    )
    if prior is not None:
        lines["changes"] += [asdict(change) for change in compare(image, prior)]
    lines["events"] += [{"day": day, "kind": kind} for day, kind in film.events]
    return {name: [{"film": film.name, **line} for line in some] for name, some in lines.items()}
