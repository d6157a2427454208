"""Markup to blanks, same length: HTML tags and entities, RTF control words, HL7 escapes.

Only tags and control words of ``tables/markup.csv`` count as markup, so that "<5 mm>" and
"and\\or" stay text, except in a text that declares itself RTF, where every control word does.
Each pass goes over the text once, and a construct without its end is left as text.
"""

from __future__ import annotations

import html
import re
from functools import cache

from hilum.text.rows import read_rows

__all__ = ["blank_markup"]

_VOID = "\x00"
_TAG = re.compile(r"<[/!?]?([a-zA-Z][a-zA-Z0-9]{0,30})(?=[\s/>:])[^<>]*>|<!--")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_CONTROL = re.compile(
    r"\\(?:'([0-9a-fA-F]{2})|(\.[a-zA-Z]{2}|[EFHNRST])\d*\\"
    r"|([a-zA-Z]{1,32})(-?\d{0,10}) ?|([~_*\\{}-]))"
)
# line ends of exported tables, spelled out; "left\\right" and "mass\\nodule" are words
_ESCAPE = re.compile(r"(?<=[.:;!?,\s])(?:\\r\\n|\\[nr])|(?:\\r\\n|\\[nrt])(?=[A-Z0-9\s\\-]|\Z)")
_OPEN = re.compile(r"\{\\(?:\*\\)?([a-zA-Z]{1,32})")
_BRACE = re.compile(r"(?<!\\)[{}]")


def blank_markup(text: str) -> str:
    """The text with markup as blanks, breaks as line ends, entities as their character.

    A character that takes the place of several is followed by NUL, which folding closes up
    within a word and blanks elsewhere.
    """
    if "<" in text:
        text = _blank_dropped_tags(text)
        text = _TAG.sub(_replace_tag, text)
    if "&" in text:
        text = _ENTITY.sub(_replace_entity, text)
    if "\\" in text:
        is_rtf = "{\\rtf" in text
        text = _blank_groups(text) if "{\\" in text else text
        text = text if is_rtf else _ESCAPE.sub(lambda match: _break(match[0]), text)
        text = _CONTROL.sub(_replace_any_control if is_rtf else _replace_known_control, text)
        if is_rtf:
            text = text.replace("{", " ").replace("}", " ")
    return text


@cache
def _effects(kind: str) -> dict[str, str]:
    return {row["name"]: row["effect"] for row in read_rows("markup.csv") if row["kind"] == kind}


def _blank(text: str) -> str:
    return "".join("\n" if character == "\n" else " " for character in text)


def _break(text: str) -> str:
    return "\n".ljust(len(text))


def _blank_dropped_tags(text: str) -> str:
    """Blanks comments and the content of tags such as ``style`` that hold no report."""
    lower, pieces, done = text.lower() if text.isascii() else text, [], 0
    starts = [("<!--", "-->")]
    starts += [(f"<{tag}", f"</{tag}") for tag, how in _effects("html").items() if how == "drop"]
    spans = []
    for opening, closing in starts:
        start = lower.find(opening)
        while start >= 0 and (end := lower.find(closing, start)) >= 0:
            spans.append((start, end + len(closing) if opening == "<!--" else end))
            start = lower.find(opening, end)
    for start, end in sorted(spans):
        if start >= done:
            pieces += [text[done:start], _blank(text[start:end])]
            done = end
    return "".join([*pieces, text[done:]])


def _replace_tag(match: re.Match[str]) -> str:
    tag = match[0]
    effect = _effects("html").get((match[1] or "").lower())
    if effect is None and not tag.startswith(("<!", "<?")) and ":" not in tag.split()[0]:
        return tag
    return _break(tag) if effect == "break" else _blank(tag)


def _replace_entity(match: re.Match[str]) -> str:
    entity = match[0]
    character = html.unescape(entity)
    if len(character) != 1:
        return entity
    return character.ljust(len(entity), " " if character.isspace() else _VOID)


def _blank_groups(text: str) -> str:
    """Blanks RTF groups such as the font table, whose content is not the report's."""
    pieces, done = [], 0
    dropped = {name for name, effect in _effects("rtf").items() if effect == "drop"}
    for match in _OPEN.finditer(text):
        is_dropped = match[1] in dropped or text.startswith("{\\*", match.start())
        if match.start() < done or not is_dropped:
            continue
        end = _group_end(text, match.start())
        if end < 0:
            break
        pieces += [text[done : match.start()], _blank(text[match.start() : end])]
        done = end
    return "".join([*pieces, text[done:]])


def _group_end(text: str, start: int) -> int:
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return -1


def _replace_control(match: re.Match[str], is_rtf: bool) -> str:
    control, (code, escape, word, number, symbol) = match[0], match.groups()
    if code:
        character = bytes([int(code, 16)]).decode("cp1252", errors="replace")
        return character.ljust(len(control), _VOID)
    if escape:
        effect = _effects("hl7").get(escape.lower())
    elif symbol:
        effect = "blank" if is_rtf else None
    elif word == "u" and number and is_rtf and 0 < int(number) < 0xD800:
        return chr(int(number)).ljust(len(control), _VOID)
    else:
        effect = _effects("rtf").get(word, "blank" if is_rtf else None)
    if effect is None:
        return control
    return _break(control) if effect == "break" else " ".ljust(len(control))


def _replace_known_control(match: re.Match[str]) -> str:
    return _replace_control(match, False)


def _replace_any_control(match: re.Match[str]) -> str:
    return _replace_control(match, True)
