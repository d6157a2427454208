"""The DICOM standard as dicom-validator wants it, from the tables of the dicom-standard wheel.

dicom-validator downloads the standard before it can check anything. The package dicom-standard
(edition 2020b) holds the same tables as JSON; here they are brought into dicom-validator's
form, so that it runs without a network. Its own parser reads the conditions.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydicom.datadict import DicomDictionary

__all__ = ["STANDARD", "load_dicom_info"]

STANDARD = Path(sys.prefix) / "standard"
"""Where pip puts the data files of dicom-standard."""

FUNCTIONAL_GROUPS = ("(5200,9229)", "(5200,9230)")
VALUE_TYPE, CONTENT = "(0040,A040)", "(0040,A730)"
BY_VALUE_TYPE = {
    "(0008,1199)": ("COMPOSITE", "IMAGE", "WAVEFORM"),
    "(0040,A050)": ("CONTAINER",),
    "(0040,A130)": ("TCOORD",),
    "(0040,A138)": ("TCOORD",),
    "(0040,A13A)": ("TCOORD",),
    "(0040,A168)": ("CODE",),
    "(0040,A300)": ("NUM",),
    "(0070,0022)": ("SCOORD", "SCOORD3D"),
    "(0070,0023)": ("SCOORD", "SCOORD3D"),
    "(3006,0024)": ("SCOORD3D",),
}
"""What the JSON has lost: which macro of a content item goes with which value type (C.17.3)."""

Table = dict[str, Any]


def load_dicom_info(sop_classes: Iterable[str]) -> Any:
    """The ``DicomInfo`` of some SOP classes."""
    from dicom_validator.spec_reader.condition_parser import ConditionParser
    from dicom_validator.validator.dicom_info import DicomInfo

    dictionary = {
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})": {"name": name, "vr": vr, "vm": vm, "prop": ""}
        for tag, (vr, vm, name, *_) in DicomDictionary.items()
    }
    tables = _Tables(dictionary, ConditionParser(dictionary))
    iods = {uid: tables.iod(uid) for uid in sop_classes}
    return DicomInfo(dictionary, iods, tables.modules(iods))


def _rows(name: str) -> list[Table]:
    rows: list[Table] = json.loads((STANDARD / f"{name}.json").read_text("utf-8"))
    return rows


def _plain(text: str | None) -> str:
    stripped = re.sub(r"<[^>]+>", "", text or "")
    return re.sub(r"\s+", " ", html.unescape(stripped)).strip()


class _Tables:
    """Reads rows of the wheel into nested tables."""

    def __init__(self, dictionary: Table, parser: Any) -> None:
        self._dictionary = dictionary
        self._parser = parser

    def iod(self, uid: str) -> Table:
        sop = next(row for row in _rows("sops") if row["id"] == uid)
        iod = next(row["id"] for row in _rows("ciods") if row["name"] == sop["ciod"])
        return {
            "title": sop["name"],
            "modules": dict(self._members(iod, "module", "modules", "ciod_to_modules")),
            "group_macros": dict(self._members(iod, "macro", "macros", "ciod_to_fg_macros")),
        }

    def _members(
        self, iod: str, kind: str, names: str, relation: str
    ) -> Iterator[tuple[str, Table]]:
        titles = {row["id"]: row["name"] for row in _rows(names)}
        for row in _rows(relation):
            if row["ciodId"] == iod:
                ref = row[f"{kind}Id"]
                member = {"ref": ref, "use": row["usage"]}
                if row["conditionalStatement"]:
                    member["cond"] = self._condition(row["conditionalStatement"])
                yield titles[ref], member

    def modules(self, iods: Table) -> Table:
        found: Table = {}
        for part, kind, relation in (
            ("modules", "moduleId", "module_to_attributes"),
            ("group_macros", "macroId", "macro_to_attributes"),
        ):
            refs = {m["ref"] for iod in iods.values() for m in iod[part].values()}
            found |= {ref: {} for ref in refs}
            for row in _rows(relation):
                if row[kind] in refs and "X" not in row["tag"].upper():  # no repeating groups
                    self._add(found[row[kind]], row)
        for module in found.values():
            for tag in FUNCTIONAL_GROUPS:
                if tag in module:
                    module[tag].setdefault("items", {})["include"] = [{"ref": "FuncGroup"}]
            if CONTENT in module:
                _complete_content(module)
        return found

    def _add(self, node: Table, row: Table) -> None:
        for part in row["path"].split(":")[1:-1]:
            tag = f"({part[:4]},{part[4:]})".upper()
            node = node.setdefault(tag, {"name": "", "type": "3"}).setdefault("items", {})
        tag = row["tag"].upper()
        entry = node.setdefault(tag, {})
        entry |= {"name": self._dictionary.get(tag, {}).get("name", ""), "type": row["type"]}
        if row["type"] in ("1C", "2C"):
            condition = self._condition(row["description"])
            if condition.get("type") != "U":
                entry["cond"] = condition

    def _condition(self, text: str) -> Table:
        condition: Table = self._parser.parse(_plain(text)).result_dict()
        return condition


def _complete_content(module: Table) -> None:
    """Give a content tree its value types back, and let it be as deep as it likes."""
    for node in (module, module[CONTENT]["items"]):
        for tag, types in BY_VALUE_TYPE.items():
            if tag in node:
                condition = {
                    "type": "MN",
                    "tag": VALUE_TYPE,
                    "index": 0,
                    "op": "=",
                    "values": types,
                }
                node[tag] |= {"type": f"{node[tag]['type'][0]}C", "cond": condition}
    module[CONTENT]["items"][CONTENT] = module[CONTENT]
