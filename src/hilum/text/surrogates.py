"""Stand-ins for identifiers: the same original of a patient always gets the same one.

Everything is derived from a secret with HMAC-SHA-256, so nothing needs to be stored and
nobody without the secret can go back. Names, dates and numbers depend on the secret and
the patient; UIDs on the secret alone, so that references between files hold.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import cache

from hilum.errors import require
from hilum.text.rows import read_rows

__all__ = ["AGE_OVER_89", "PatientKey", "make_surrogate", "person_role"]

AGE_OVER_89 = {
    "en": "over 89",
    "de": "über 89 Jahre",
    "fr": "plus de 89 ans",
    "es": "más de 89 años",
    "it": "oltre 89 anni",
    "pt": "mais de 89 anos",
}
"""What replaces an age over 89 years, in each language."""

MIN_SECRET_BYTES = 16
_SHIFT_DAYS = (31, 3650)


@dataclass(frozen=True, slots=True)
class PatientKey:
    """The mapping of one patient's identifiers to their stand-ins.

    ``secret`` are at least 16 bytes that only the owner of the originals knows;
    ``patient_id`` is any identifier of the patient that stays the same across documents.
    ``shifts_years``: years that stand alone move too; otherwise they are kept.

    >>> key = PatientKey(b"sixteen bytes or more", "4711")
    >>> key.shift_days == PatientKey(b"sixteen bytes or more", "4711").shift_days
    True
    """

    secret: bytes = field(repr=False)
    patient_id: str = field(repr=False)
    shifts_years: bool = False

    def __post_init__(self) -> None:
        require(
            len(self.secret) >= MIN_SECRET_BYTES,
            f"a secret has at least {MIN_SECRET_BYTES} bytes, got {len(self.secret)}; "
            "make one with secrets.token_bytes(32) and keep it",
        )

    def digest(self, kind: str, original: str, *, with_patient: bool = True) -> bytes:
        """32 bytes that stand for an original of a kind."""
        patient = self.patient_id if with_patient else ""
        parts = [part.encode("utf-8", "surrogatepass") for part in (kind, patient, original)]
        return hmac.new(self.secret, b"\0".join(parts), hashlib.sha256).digest()

    @property
    def shift_days(self) -> int:
        """Days by which this patient's dates move: the past, 31 days to ten years."""
        low, high = _SHIFT_DAYS
        return -(low + int.from_bytes(self.digest("shift", "")[:8]) % (high - low + 1))

    def uid(self, original: str) -> str:
        """A UID below 2.25 (PS3.5 annex B.2) that stands for a DICOM UID, for any patient."""
        digest = self.digest("uid", original, with_patient=False)
        return f"2.25.{int.from_bytes(digest[:16])}"

    def code(self, kind: str, original: str) -> str:
        """An identifier of the same form: digits for digits, letters for letters."""
        out, counter = original, 0
        while out == original and any(c.isalnum() for c in original):
            stream = self._stream(f"{kind}{counter}", original)
            out = "".join(map(_like, original, stream))
            counter += 1
        return out

    def pick(self, kind: str, original: str, choices: tuple[str, ...]) -> str:
        """One of the choices; never one that reads like the original."""
        number = int.from_bytes(self.digest(kind, original)[:8])
        for step in range(len(choices)):
            choice = choices[(number + step) % len(choices)]
            if choice.lower() != original.lower():
                return choice
        return ""

    def _stream(self, kind: str, original: str) -> bytes:
        blocks = range(len(original) // 32 + 1)
        return b"".join(self.digest(f"{kind}:{block}", original) for block in blocks)


def _like(character: str, number: int) -> str:
    """A character of the same class; ``number`` in 0 to 255 chooses it."""
    if character.isdigit():
        return str(1 + number % 9) if character != "0" else str(number % 10)
    if character.isalpha():
        letter = chr(ord("a") + number % 26)
        return letter.upper() if character.isupper() else letter
    return character


@cache
def _column(table: str, column: str, where: tuple[str, str] = ("", "")) -> tuple[str, ...]:
    key, value = where
    return tuple(row[column] for row in read_rows(table) if not key or row[key] == value)


@cache
def _sexes() -> dict[str, str]:
    return {row["name"]: row["sex"] for row in read_rows("given_names.csv")}


@cache
def _surnames() -> frozenset[str]:
    return frozenset(row["name"] for row in read_rows("surnames.csv"))


def make_surrogate(kind: str, original: str, key: PatientKey, language: str) -> str:
    """The stand-in of an identifier of a kind other than dates and times."""
    if kind == "name":
        return _name(original, key)
    if kind == "age":
        return AGE_OVER_89.get(language, AGE_OVER_89["en"])
    if kind == "uid":
        return key.uid(original)
    if kind == "email":
        return f"contact{int.from_bytes(key.digest(kind, original.lower())[:3])}@example.org"
    if kind == "url":
        return f"https://example.org/{key.digest(kind, original)[:4].hex()}"
    if kind == "phone":
        return _phone(original, key)
    if kind == "address":
        return _address(original, key)
    if kind == "institution":
        return _institution(original, key)
    return key.code(kind, original)


_NAME_PART = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@cache
def _particles() -> frozenset[str]:
    return frozenset(r["term"] for r in read_rows("person_cues.csv") if r["kind"] == "particle")


def person_role(part: str, position: int, total: int, is_reversed: bool) -> str:
    """``given`` or ``surname``: what a part of a name is, from where it stands."""
    if total == 1:
        lower = part.lower()
        return "given" if lower in _sexes() and lower not in _surnames() else "surname"
    return "given" if (position > 0 if is_reversed else position < total - 1) else "surname"


def _name(original: str, key: PatientKey) -> str:
    parts = list(_NAME_PART.finditer(original))
    named = [p for p in parts if p[0].lower() not in _particles()] or parts
    is_reversed = bool(re.match(r"[^,^]{2,40}[,^]", original))
    out, last = "", 0
    for match in parts:
        if match in named:
            role = person_role(match[0], named.index(match), len(named), is_reversed)
            out += original[last : match.start()] + _name_part(match[0], role, key)
        # a particle ("van der") goes with what follows it
        last = match.end() if match in named else match.end() + 1
    return out + original[last:]


def _name_part(part: str, role: str, key: PatientKey) -> str:
    if len(part) == 1:
        return key.pick("initial", part.upper(), tuple("ABCDEFGHJKLMNPRSTW"))
    if role == "given":
        sex = _sexes().get(part.lower()) or "mf"[key.digest("sex", "")[0] % 2]
        choices = _column("surrogate_given_names.csv", "name", ("sex", sex))
    else:
        choices = _column("surrogate_surnames.csv", "name")
    chosen = key.pick(role, part.lower(), choices)
    return chosen.upper() if part.isupper() else chosen.lower() if part.islower() else chosen


_LOCAL_NUMBER = re.compile(r"(?<!\d)\d{3}([ .-])\d{4}(?!\d)")


def _phone(original: str, key: PatientKey) -> str:
    """Same form; a North American number becomes 555-01xx, which nobody has."""
    code = key.code("phone", original)
    return _LOCAL_NUMBER.sub(lambda match: f"555{match[1]}01{match[0][-2:]}", code)


def _address(original: str, key: PatientKey) -> str:
    number = 1 + int.from_bytes(key.digest("house", original)[:2]) % 999
    street = key.pick("street", original, _column("surrogate_streets.csv", "name"))
    city = key.pick("city", original, _column("surrogate_cities.csv", "name"))
    if not re.search(r"[^\W\d_]", original):
        return key.code("zip", original)
    if not re.search(r"\d", original):
        return city
    return f"{number} {street}, {city}" if "," in original else f"{number} {street}"


def _institution(original: str, key: PatientKey) -> str:
    words = _column("surrogate_institutions.csv", "word")
    word = next((word for word in words if word in original.lower()), "hospital")
    names = _column("surrogate_institutions.csv", "name", ("word", word))
    chosen = key.pick("institution", original.lower(), names)
    return chosen.upper() if original.isupper() else chosen
