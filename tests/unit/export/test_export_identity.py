"""Derived identifiers: valid, stable and different for different names."""

from pydicom.uid import UID

from hilum.export.identity import derive_uid, derive_uuid


def test_uids_are_valid_and_stable() -> None:
    uids = {derive_uid("sr", number) for number in range(200)}
    assert len(uids) == 200
    assert all(UID(uid).is_valid and len(uid) <= 64 for uid in uids)
    assert derive_uid("a", "b") == derive_uid("a", "b") != derive_uid("ab")


def test_uuids_say_what_they_are() -> None:
    for number in range(50):
        value = derive_uuid(number)
        assert value.version == 8
        assert value.variant == "specified in RFC 4122"


def test_names_may_hold_anything() -> None:
    assert derive_uuid("\udcff", None, {"b": 1, "a": 2}) == derive_uuid(
        "\udcff", None, {"a": 2, "b": 1}
    )
