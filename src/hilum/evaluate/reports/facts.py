"""Factual precision and recall, sentence by sentence, with a judge that can be replaced.

In the manner of RadFact (Bannur 2024): a sentence of the report is entailed or not by the
reference (precision), and the other way round (recall). The default judge is Hilum's rules;
``EndpointJudge`` asks any server that speaks the OpenAI chat protocol. A failed call is
missing: it counts for nothing and is counted, and is never "not entailed".
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.reports.structure import ASIDE
from hilum.text import Document, Observation, parse

__all__ = [
    "EndpointJudge",
    "Judge",
    "fact_precision",
    "fact_recall",
    "judge_by_rules",
    "judge_facts",
    "statements_of",
]

Judge = Callable[[str, str], bool | None]
"""``(premise report, sentence)`` to whether the premise entails it; None when it cannot say."""


def statements_of(document: Document) -> list[str]:
    """The sentences that claim something of a finding or device, in order, once each."""
    spoken = {item.sentence for item in document.observations}
    kept = [
        document.slice(sentence.span).strip()
        for number, sentence in enumerate(document.sentences)
        if number in spoken and document.sections[sentence.section].name not in ASIDE
    ]
    return list(dict.fromkeys(kept))


def judge_by_rules(premise: str, sentence: str) -> bool | None:
    """Whether every claim of the sentence is among the premise's, by Hilum's reading of both.

    The premise must claim the same finding with the same assertion, and nothing that the
    sentence adds (side, severity, change) may be otherwise there. None where the sentence
    claims nothing.
    """
    claims = _claims_of(sentence)
    if not claims:
        return None
    known = _claims_of(premise)
    return all(any(_entails(have, claim) for have in known) for claim in claims)


@lru_cache(maxsize=4096)
def _claims_of(text: str) -> tuple[Observation, ...]:
    """Read once: a premise is asked about as many sentences as the other report has."""
    return tuple(o for o in parse(text).observations if o.assertion in _JUDGED)


_JUDGED = frozenset({"present", "absent", "uncertain"})


def _entails(have: Observation, claim: Observation) -> bool:
    if have.name != claim.name or have.assertion != claim.assertion:
        return False
    if claim.assertion == "absent":
        return not have.side or have.side in (claim.side, "bilateral")
    if claim.severity and have.severity != claim.severity:
        return False
    sides = {have.side, claim.side}
    if claim.side and have.side != claim.side and not ("bilateral" in sides and "" not in sides):
        return False
    return not claim.change or have.change == claim.change


@dataclass(frozen=True, slots=True)
class EndpointJudge:
    """A judge behind an OpenAI-compatible chat endpoint.

    ``url`` is that of the chat completions, ``model`` the name it expects; ``key`` goes into
    the bearer header when it is not empty. Temperature is 0. Nothing is sent anywhere
    unless a caller makes one of these.
    """

    url: str
    model: str
    key: str = ""
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        require(self.url.startswith(("http://", "https://")), "a judge's URL is http or https")

    def __call__(self, premise: str, sentence: str) -> bool | None:
        """Ask; None when the call fails or the answer is neither yes nor no."""
        question = (
            "Report of a chest radiograph:\n"
            f"{premise}\n\nStatement:\n{sentence}\n\n"
            "Does the report entail the whole statement? Answer with one word, yes or no."
        )
        body = {
            "model": self.model,
            "temperature": 0,
            "messages": [{"role": "user", "content": question}],
        }
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as reply:
                answer = json.load(reply)["choices"][0]["message"]["content"]
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return None
        return {"yes": True, "no": False}.get(str(answer).strip().strip(".").lower())


def judge_facts(candidate: Document, reference: Document, judge: Judge) -> list[float]:
    """Six counts of a pair: entailed, judged and missing of the report, then of the reference."""
    counts: list[float] = []
    for own, other in ((candidate, reference), (reference, candidate)):
        verdicts = [judge(other.text, sentence) for sentence in statements_of(own)]
        judged = [verdict for verdict in verdicts if verdict is not None]
        counts += [float(sum(judged)), float(len(judged)), float(len(verdicts) - len(judged))]
    return counts


def fact_precision(counts: npt.NDArray[np.float64]) -> float:
    """Share of the reports' judged sentences that their references entail, pooled."""
    return _share(counts[:, 0], counts[:, 1])


def fact_recall(counts: npt.NDArray[np.float64]) -> float:
    """Share of the references' judged sentences that the reports entail, pooled."""
    return _share(counts[:, 3], counts[:, 4])


def _share(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> float:
    total = float(whole.sum())
    return float(part.sum()) / total if total else float("nan")
