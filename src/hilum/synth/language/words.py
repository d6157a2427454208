"""Small words: filling templates, articles, lists, places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from hilum.synth.facts import Fact

__all__ = ["capital", "fill", "join_terms", "pick", "said_places", "where_words", "with_article"]

VOWELS = "aeiou"
SPELLED_WITH_VOWEL = ("ICD", "ECG", "8 mm", "11 mm", "18 mm", "8.", "80 ")


def pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """One of several texts."""
    return choices[int(rng.integers(len(choices)))]


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def with_article(text: str) -> str:
    """``a`` or ``an`` before a phrase, by how its first word sounds."""
    sounds_open = text[:1].lower() in VOWELS or text.startswith(SPELLED_WITH_VOWEL)
    return f"{'an' if sounds_open else 'a'} {text}"


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its words; what is left empty leaves no gap."""
    text = template.format(**values)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ([,.;)])", r"\1", text)


def join_terms(terms: Sequence[str], word: str = "or") -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    if len(terms) < 2:
        return "".join(terms)
    return f"{', '.join(terms[:-1])} {word} {terms[-1]}"


def where_words(fact: Fact) -> str:
    """Where a finding of the lungs lies: "in the right lower lobe", "in both lungs"."""
    return _place_words(fact.places, fact.side)


def said_places(fact: Fact) -> tuple[str, ...]:
    """The places, by the names of the ontology, that the words for a finding's place convey."""
    return ("lung",) if "lung" in where_words(fact) else fact.places


def _place_words(places: tuple[str, ...], side: str) -> str:
    is_both = side == "bilateral"
    if not places:
        return "in both lungs" if is_both else f"in the {side} lung"
    kind = places[0].rpartition("_")[2]
    if places == ("lingula",):
        return "in the lingula"
    if kind == "zone":
        return _zone_words(places, side)
    if kind in ("lobe", "lingula"):
        words = [place.replace("_", " ") for place in places]
        if is_both and len(places) > 1:
            return "in both lungs"
        return f"in both {words[0]}s" if is_both else f"in the {side} {join_terms(words, 'and')}"
    word = {"lung_base": "base", "perihilar": "perihilar region"}.get(places[0], places[0])
    lead = "in" if places[0] == "perihilar" else "at"
    many = {"base": "bases", "apex": "apices", "hilum": "hila"}.get(word, word + "s")
    return f"{lead} both {many}" if is_both else f"{lead} the {side} {word}"


def _zone_words(places: tuple[str, ...], side: str) -> str:
    levels = [place.removesuffix("_zone").replace("middle", "mid") for place in places]
    is_both = side == "bilateral"
    if len(levels) == 3:
        return "in both lungs" if is_both else f"throughout the {side} lung"
    noun = "zones" if is_both or len(levels) > 1 else "zone"
    return f"in {'both' if is_both else f'the {side}'} {join_terms(levels, 'and')} {noun}"
