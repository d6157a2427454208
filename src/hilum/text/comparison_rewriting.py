"""One sentence without its comparison: "Interval increase in the effusion" to "Effusion".

The rules are rows of ``tables/comparison.toml``: forms of sentence that say nothing without
the prior, phrases that go, claims whose subject stays, and words that go. They are applied
until no comparison is left; a sentence that keeps one is dropped whole.
"""

from __future__ import annotations

import re

from hilum.text.comparison_rules import ComparisonRules, find_wordings, load_comparison_rules
from hilum.text.folding import fold

__all__ = ["rewrite_sentence"]

_PASSES = 6
_WORD = re.compile(r"[^\W\d_]+")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|appears?)\b", re.IGNORECASE)
_CONJUNCTION = re.compile(r",? and |, |/", re.IGNORECASE)
_SPACING = (
    (re.compile(r"\s+"), " "),
    # a predicate that is gone leaves "are and indicate", "is and there is"
    (re.compile(r"\b(?:is|are|was|were|appears?)(?= (?:and|but) (?:there|no|the|it)\b)", re.I), ""),
    (re.compile(r"\b(?:is|are|was|were|appears?) (?:and|but)\b", re.I), ""),
    (
        re.compile(r"\b(is|are|an?|the|with|no|of|for|shows?|demonstrates?),(?= )", re.IGNORECASE),
        r"\1",
    ),
    (re.compile(r" +(?=[.,;:)])"), ""),
    (re.compile(r"([,;])(?: ?[,;])+"), r"\1"),
    (re.compile(r"\( *\)"), ""),
    (re.compile(r"\b(and|or|with|is|are|no|the|of) (?=\1\b)", re.IGNORECASE), ""),
)


def rewrite_sentence(sentence: str) -> str:
    """The sentence without comparison, in correct spacing and capitals; empty if none is left.

    Line ends within it become blanks when anything is changed.

    Example:
        >>> rewrite_sentence("The previously seen pneumothorax has resolved.")
        'No pneumothorax.'
    """
    if not find_wordings(fold(sentence)):
        return sentence
    rules = load_comparison_rules()
    flat = " ".join(sentence.split())
    label = rules.parts["label"].match(flat)
    start = label.end() if label else 0
    body = flat[start:]
    for _ in range(_PASSES):
        if not find_wordings(fold(body)):
            break
        body = _without_comparison(body, rules)
        if not _says_something(body, rules):
            return ""
    rewritten = flat[:start] + _capitalise(body, flat[start:])
    return "" if find_wordings(fold(rewritten)) else rewritten


def _without_comparison(body: str, rules: ComparisonRules) -> str:
    """One pass of all rules over a sentence without its label."""
    core = body.rstrip(".!? ")
    ending = body[len(core) :].strip() or ""
    if rules.drop.fullmatch(core):
        return ""
    for phrase in rules.phrases:
        core = phrase.sub(" ", core)
    core = _tidy(core, rules)
    statements: list[str] = []
    is_fragment = True
    for separator, clause in _clauses(core, rules):
        claimed = _claim(clause, rules) if find_wordings(fold(clause)) else None
        stated = clause if claimed is None else claimed
        if not _says_something(stated, rules):
            continue
        # a fragment ("effusion") stands alone, whole clauses stay joined
        if claimed is not None or is_fragment:
            statements.append(stated)
        else:
            statements[-1] += separator + " " + stated
        is_fragment = claimed is not None
    for replacement, pattern in rules.words:
        statements = [_replace(text, pattern, replacement) for text in statements]
    if _VERB.search(body):
        # "the effusion" is left of a sentence that has lost its verb
        statements = [text if _VERB.search(text) else _bare(text, rules) for text in statements]
    kept = [tidy for text in statements if (tidy := _tidy(text, rules))]
    return ". ".join(
        text if index == 0 else _upper_first(text) for index, text in enumerate(kept)
    ) + (ending[:1] if kept else "")


def _clauses(core: str, rules: ComparisonRules) -> list[tuple[str, str]]:
    """Clauses with the separator before each, cut only after a clause that states something."""
    clauses: list[tuple[str, str]] = []
    start, separator = 0, ""
    for cut in rules.parts["clause_end"].finditer(core):
        if rules.parts["states"].search(core, start, cut.start()):
            clauses.append((separator, core[start : cut.start()].strip()))
            start, separator = cut.end(), cut[0]
    clauses.append((separator, core[start:].strip()))
    return clauses


def _claim(clause: str, rules: ComparisonRules) -> str | None:
    """What a clause states once the comparison is gone; None where no form fits."""
    for result, pattern in rules.claims:
        match = pattern.fullmatch(clause)
        if match is None:
            continue
        if result == "drop":
            return ""
        groups = match.groupdict()
        return _state(result, groups["subject"] or "", groups.get("rest") or "", rules)
    return None


def _state(result: str, subject: str, rest: str, rules: ComparisonRules) -> str:
    parts = rules.parts
    rest = parts["noise"].sub("", rest, count=1) if parts["noise"].match(rest) else rest
    finding = _bare(subject, rules)
    if not _VERB.search(finding) or not _says_something(finding, rules):
        finding = _finding_of(finding, rules)
    if not finding:
        held = parts["with_object"].search(f"{subject} {rest}")
        return held["object"] if held else ""
    if result == "absent":
        held = parts["with_object"].search(rest)
        where = rest if parts["place"].fullmatch(rest) else ""
        denied = re.sub(r",? and ", " or ", _lower_first(finding))
        return f"no {denied}{where}" + (f". {_upper_first(held['object'])}" if held else "")
    if continued := parts["and_is"].match(rest):
        return f"{subject.strip()} {rest[continued.end() :]}"
    if size := parts["to_size"].match(rest):
        rest = f", {rest[size.end() :]}"
    return f"{finding} {rest.strip()}" if not rest.startswith(",") else f"{finding}{rest}"


def _bare(subject: str, rules: ComparisonRules) -> str:
    """A subject without articles, "the size of" and "previously seen"."""
    bare, before = subject.strip(" ,:;"), ""
    while bare != before:
        before = bare
        for name in ("article", "extent_of", "earlier"):
            if stripped := rules.parts[name].match(bare):
                bare = bare[stripped.end() :].strip()
    return bare


def _finding_of(subject: str, rules: ComparisonRules) -> str:
    """The parts of a subject that are findings: "cardiomegaly and heart size" to the first."""
    cut = rules.parts["preposition"].search(subject)
    noun, rest = (subject[: cut.start()], subject[cut.start() :]) if cut else (subject, "")
    parts = [part for part in _CONJUNCTION.split(noun.strip()) if part]
    says = [_says_something(part, rules) for part in parts]
    if not any(says):
        return ""
    # "left" in "left and right effusions" belongs to the finding, "heart size" does not
    if says[-1] and all(said or " " not in part for said, part in zip(says, parts, strict=True)):
        return subject
    kept = " and ".join(part for part, said in zip(parts, says, strict=True) if said)
    return f"{kept} {rest}".strip() if says[-1] else kept


def _replace(text: str, pattern: re.Pattern[str], replacement: str) -> str:
    """Replaces words outside the exceptions; "a" before a removed word still fits the next."""
    rules = load_comparison_rules()
    excepted = [match.span() for match in rules.exception.finditer(text)]

    def one(match: re.Match[str]) -> str:
        if any(start < match.end() and match.start() < end for start, end in excepted):
            return match[0]
        if not match["article"]:
            return replacement
        following = text[match.end() :].lstrip()[:1].lower()
        return "an" if following in set("aeiou") else "a"

    return pattern.sub(one, text)


def _tidy(text: str, rules: ComparisonRules) -> str:
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    text = text.strip()
    if start := rules.parts["dangling_start"].match(text):
        text = text[start.end() :]
    end = rules.parts["dangling_end"]
    for found in end.finditer(text):
        if found.end() == len(text):
            text = text[: found.start()]
            break
    return text.strip()


def _says_something(text: str, rules: ComparisonRules) -> bool:
    words = {word for word in _WORD.findall(text.lower()) if len(word) > 1}
    return not words <= (rules.idle | rules.neutral)


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower_first(text: str) -> str:
    """Lower-cases a sentence's capital, but not "PICC"."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _capitalise(body: str, was: str) -> str:
    if was.isupper():
        return body.upper()
    first = next((character for character in was if character.isalpha()), "")
    return _upper_first(body) if first.isupper() else body
