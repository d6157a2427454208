"""Applies the confidentiality profile to the elements of a DICOM data set, sequences included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydicom.datadict import dictionary_has_tag
from pydicom.dataset import Dataset

from hilum.io.deidentify_profile import Profile, safe_private
from hilum.io.deidentify_values import (
    PatientKey,
    TextCleaner,
    contains_known,
    dummy_value,
    is_public_uid,
    known_words,
    shift_element,
)

__all__ = ["HeaderChange", "Run", "apply_profile", "read_values", "sweep_identity"]

_TEMPORAL = frozenset({"DA", "DT", "TM"})
_FREE_TEXT = frozenset({"LT", "ST", "UT"})
_STRINGS = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "CS", "UR"})
_LENGTHS = {"SH": 16, "LO": 64, "CS": 16}
_AGE_LIMIT = 90
_MIN_WHOLE = 5
_OVERLAY_DATA = 0x3000


class HeaderChange(NamedTuple):
    """What was done to one element; ``path`` are keywords and item numbers, no value.

    ``action`` is ``removed``, ``emptied``, ``replaced``, ``cleaned``, ``shifted`` or
    ``new_uid``.
    """

    path: str
    action: str


@dataclass(slots=True)
class Run:
    """One data set in work: how to act, and what was done.

    ``people`` are names and numbers of the original of which not even a word may remain,
    ``places`` names of institutions and devices that may not remain as a whole.
    """

    profile: Profile
    key: PatientKey
    clean_text: TextCleaner | None
    people: tuple[str, ...]
    places: tuple[str, ...]
    changes: list[HeaderChange] = field(default_factory=list)


def apply_profile(dataset: Dataset, run: Run, path: str, *, is_cleaning: bool) -> None:
    """Apply the profile to every element of a data set and of its sequences."""
    for tag in list(dataset.keys()):
        element = _read_element(dataset, tag)
        if element is None:
            del dataset[tag]
            run.changes.append(HeaderChange(f"{path}{tag}", "removed"))
            continue
        name = f"{path}{element.keyword or tag}"
        if tag.is_private:
            if not _is_safe_private(dataset, tag, run.profile):
                del dataset[tag]
                run.changes.append(HeaderChange(name, "removed"))
            continue
        action = _action_for(element, run)
        is_cleaned = is_cleaning or (action == "C" and element.VR == "SQ")
        if element.VR == "SQ" and action not in ("X", "Z", "D"):
            for number, item in enumerate(element.value):
                apply_profile(item, run, f"{name}[{number}].", is_cleaning=is_cleaned)
            continue
        done = _apply(dataset, element, action, run)
        if done:
            run.changes.append(HeaderChange(name, done))


def _action_for(element: Any, run: Run) -> str:
    group, number = element.tag.group, element.tag.element
    if group >> 8 == 0x60 and run.profile.action(group, _OVERLAY_DATA) == "X":
        return "X"  # an overlay without its data is no overlay
    return run.profile.action(group, number) or _default_action(element, run)


def _read_element(dataset: Dataset, tag: Any) -> Any:
    """The element, None when it cannot be read (its bytes may be anything)."""
    try:
        element = dataset[tag]
        _ = str(element.value) if element.VR not in ("SQ", "OB", "OW", "UN") else ""
        return element
    except Exception:
        return None


def _is_safe_private(dataset: Dataset, tag: Any, profile: Profile) -> bool:
    if not profile.has("retain_safe_private"):
        return False
    if tag.is_private_creator:
        creator = str(dataset[tag].value)
        return any(creator == name for name, _, _ in safe_private())
    creator = str(dataset.get((tag.group, tag.element >> 8), _NOTHING).value)
    return (creator, tag.group, tag.element & 0xFF) in safe_private()


class _Nothing:
    value = ""


_NOTHING = _Nothing()


def _default_action(element: Any, run: Run) -> str:
    """The action for what Table E.1-1 does not list: by VR, on the safe side.

    Retired or unknown elements go, and so do names; dates follow the choice of dates; free
    text is cleaned where descriptors are, else removed; other UIDs than those of the
    standard are replaced.
    """
    vr = element.VR
    if not dictionary_has_tag(element.tag) or vr in ("PN", "UN"):
        return "X"
    if vr in _TEMPORAL:
        if run.profile.has("retain_full_dates"):
            return "K"
        return "C" if run.profile.has("retain_modified_dates") else "Z"
    if vr in _FREE_TEXT:
        return "C" if run.clean_text is not None and _cleans_text(run.profile) else "X"
    if vr == "UI":
        return "K" if run.profile.has("retain_uids") else "U"
    return "K"


def _cleans_text(profile: Profile) -> bool:
    return profile.has("clean_descriptors") or profile.has("clean_structured_content")


def _apply(dataset: Dataset, element: Any, action: str, run: Run) -> str:
    """Carry out one action on an element; what was done, "" for nothing."""
    if action == "K":
        return _limit_age(element)
    if action == "X":
        del dataset[element.tag]
        return "removed"
    if action == "Z":
        element.value = [] if element.VR == "SQ" else None
        return "emptied"
    if action == "D":
        element.value = dummy_value(element.VR)
        return "replaced"
    if action == "U":
        return _replace_uids(element, run.key)
    return _clean(dataset, element, run)


def read_values(element: Any) -> list[Any]:
    """The values of an element, one or many; a person's name is one value."""
    if element.value is None or element.value == "":
        return []
    return list(element.value) if element.VM > 1 else [element.value]


def _limit_age(element: Any) -> str:
    """Ages above 89 years become 090Y."""
    text = str(element.value)
    is_old = element.VR == "AS" and text[:3].isdigit() and text[3:4].upper() == "Y"
    if not is_old or int(text[:3]) < _AGE_LIMIT:
        return ""
    element.value = f"{_AGE_LIMIT:03d}Y"
    return "replaced"


def _replace_uids(element: Any, key: PatientKey) -> str:
    if element.VR != "UI":
        element.value = dummy_value(element.VR)
        return "replaced"
    old = [str(value) for value in read_values(element)]
    new = [value if is_public_uid(value) else key.uid(value) for value in old]
    if new == old:
        return ""
    element.value = new if len(new) > 1 else new[0]
    return "new_uid"


def _clean(dataset: Dataset, element: Any, run: Run) -> str:
    if element.VR in _TEMPORAL:
        new = shift_element(element.VR, read_values(element), run.key.shift_days)
        element.value = new if len(new) > 1 else "".join(new)
        return "shifted"
    if element.VR in _STRINGS and run.clean_text is not None:
        old = [str(value) for value in read_values(element)]
        cleaned = [run.clean_text(value, run.key, (*run.people, *run.places)) for value in old]
        cleaned = [value[: _LENGTHS.get(element.VR)] for value in cleaned]
        element.value = cleaned if len(cleaned) > 1 else "".join(cleaned)
        return "cleaned" if cleaned != old else ""
    del dataset[element.tag]
    return "removed"


def sweep_identity(dataset: Dataset, run: Run, path: str) -> None:
    """Empty every text that still holds an identifying word of the original."""
    words = known_words(run.people)
    both = (*run.people, *run.places)
    wholes = frozenset(value.lower() for value in both if len(value) >= _MIN_WHOLE)
    for element in list(dataset):
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                sweep_identity(item, run, f"{path}{element.keyword}[{number}].")
        elif element.VR in _STRINGS and element.value:
            text = "\\".join(str(value) for value in read_values(element))
            # a coded value such as a body part is no name, even where a name reads like it
            if element.VR != "CS" and contains_known(text, words, wholes):
                element.value = None
                run.changes.append(HeaderChange(f"{path}{element.keyword}", "emptied"))
