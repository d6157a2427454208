"""Identifiers that follow from what they name: the same content has the same UID, always.

A UID is ``2.25.`` and a UUID as a decimal number (DICOM PS3.5 B.2); the UUID is made of a
SHA-256 of the name (RFC 9562, version 8: what the bits mean is ours).
"""

from __future__ import annotations

import hashlib
import json
import uuid

__all__ = ["derive_uid", "derive_uuid"]


def derive_uuid(*parts: object) -> uuid.UUID:
    """The UUID of a name in several parts, each of which ``json.dumps`` takes.

    >>> derive_uuid("a", "b") == derive_uuid("a", "b") != derive_uuid("ab")
    True
    """
    text = json.dumps(["hilum", *parts], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76  # the version's four bits
    return uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62)  # and the variant's two


def derive_uid(*parts: object) -> str:
    """The DICOM UID of a name, of at most 44 characters.

    >>> derive_uid("sr", "1.2.3").startswith("2.25.")
    True
    """
    return f"2.25.{derive_uuid(*parts).int}"
