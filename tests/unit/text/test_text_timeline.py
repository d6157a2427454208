"""One patient's findings are followed through reports, with what does not fit."""

import datetime as dt
import json

import pytest

from hilum.errors import InvalidValueError
from hilum.text.parsing import parse
from hilum.text.timeline import DatedReport, build_timeline, timeline_to_dict
from hilum.text.types import Size, Span
from text_factory import Draft, report

ABSENT = {"assertion": "absent"}


def follow(*documents):
    return build_timeline([DatedReport(document) for document in documents])


def statuses(entry):
    return [(point.report, point.assertion.value) for point in entry.points]


def implied(entry):
    return [point.implied_change for point in entry.points]


def test_one_thing_through_time():
    timeline = follow(
        report(("pleural_effusion", ABSENT)),
        report(("pleural_effusion", {"side": "right", "severity": "mild"})),
        report(("pleural_effusion", {"side": "right", "severity": "moderate"})),
        report(("pleural_effusion", {**ABSENT, "side": "right"})),
    )
    (entry,) = timeline.entries
    assert (entry.name, entry.side) == ("pleural_effusion", "right")
    assert statuses(entry) == [(0, "absent"), (1, "present"), (2, "present"), (3, "absent")]
    assert implied(entry) == ["", "new", "increased", "resolved"]
    assert (entry.first_seen, entry.last_seen) == (1, 2)
    assert timeline.conflicts == ()


def test_sides_and_bilateral():
    timeline = follow(
        report(("pleural_effusion", {"side": "bilateral"})),
        report(
            ("pleural_effusion", {"side": "left"}),
            ("pleural_effusion", {**ABSENT, "side": "right"}),
        ),
    )
    by_side = {entry.side: statuses(entry) for entry in timeline.entries}
    assert by_side == {
        "left": [(0, "present"), (1, "present")],
        "right": [(0, "present"), (1, "absent")],
    }


def test_places_keep_things_apart_and_regions_bring_them_together():
    timeline = follow(
        report(
            ("nodule", {"side": "right", "places": ("upper_lobe",)}),
            ("nodule", {"side": "right", "places": ("lower_lobe",)}),
        ),
        report(("nodule", {"side": "right", "places": ("lung_base",)})),
    )
    assert [statuses(entry) for entry in timeline.entries] == [
        [(0, "present")],
        [(0, "present"), (1, "present")],
    ]


def test_narrower_names_join_and_siblings_do_not():
    timeline = follow(
        report(("lung_opacity", {"side": "left", "places": ("lower_lobe",)})),
        report(("pneumonia", {"side": "left", "places": ("lower_lobe",)})),
        report(("atelectasis", {"side": "left", "places": ("lower_lobe",)})),
    )
    assert [entry.name for entry in timeline.entries] == ["pneumonia", "atelectasis"]
    assert timeline.entries[0].names == ("lung_opacity", "pneumonia")


def test_vague_statements_speak_of_all_that_they_fit():
    timeline = follow(
        report(("pleural_effusion", {"side": "left"}), ("pleural_effusion", {"side": "right"})),
        report(("pleural_effusion", {"change": "unchanged"})),
    )
    assert [statuses(entry) for entry in timeline.entries] == [[(0, "present"), (1, "present")]] * 2


def test_vague_statements_stay_with_the_specific_ones_of_their_report():
    timeline = follow(
        report(("pleural_effusion", {"side": "left"}), ("pleural_effusion", {"side": "right"})),
        report(("pleural_effusion", {}), ("pleural_effusion", {"side": "left"})),
    )
    left, right = timeline.entries
    assert left.points[1].observations == (0, 1)
    assert len(right.points) == 1


def test_side_is_filled_in_later():
    timeline = follow(
        report(("pneumothorax", {})),
        report(("pneumothorax", {"side": "right", "places": ("apex",)})),
    )
    (entry,) = timeline.entries
    assert (entry.side, entry.places) == ("right", ("apex",))


def test_denials_of_the_wider_name_cover_the_narrower():
    timeline = follow(
        report(("pneumonia", {"side": "right"})),
        report(("lung_opacity", {**ABSENT, "places": ("lung",)})),
    )
    (entry,) = timeline.entries
    assert implied(entry) == ["", "resolved"]


def test_denials_elsewhere_do_not_cover():
    timeline = follow(
        report(("nodule", {"side": "right", "places": ("upper_lobe",)})),
        report(
            ("nodule", {**ABSENT, "side": "left"}),
            ("nodule", {**ABSENT, "side": "right", "places": ("lower_lobe",)}),
        ),
    )
    assert [len(entry.points) for entry in timeline.entries] == [1, 1, 1]


def test_no_new_says_nothing_of_the_old():
    timeline = follow(
        report(("pleural_effusion", {"side": "right"})),
        report(("pleural_effusion", ABSENT), attributes=[("change", "new", 0)]),
    )
    assert statuses(timeline.entries[0]) == [(0, "present")]
    assert len(timeline.entries) == 1


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        ((5.0,), (8.0, 4.0), "increased"),
        ((9.0,), (5.0,), "decreased"),
        ((5.0,), (6.0,), "unchanged"),
    ],
)
def test_sizes_tell_change(before, now, change):
    def nodule(*millimetres):
        return report(("nodule", {"side": "left", "sizes": (Size(millimetres, Span(0, 1), ""),)}))

    (entry,) = follow(nodule(*before), nodule(*now)).entries
    assert implied(entry) == ["", change]


def test_distances_are_not_sizes():
    size = Size((30.0,), Span(0, 1), "carina")
    tube = ("endotracheal_tube", {"kind": "device", "tip": "trachea", "sizes": (size,)})
    (entry,) = follow(report(tube)).entries
    assert entry.points[0].largest_mm is None
    assert entry.points[0].tip == "trachea"


@pytest.mark.parametrize("change", ["unchanged", "increased", "decreased"])
def test_conflict_absent_before(change):
    timeline = follow(
        report(("pneumothorax", ABSENT)), report(("pneumothorax", {"change": change}))
    )
    assert [(c.kind, c.report) for c in timeline.conflicts] == [("absent_before", 1)]


def test_conflict_resolved_though_never_there():
    timeline = follow(
        report(("pneumothorax", ABSENT)),
        report(("pneumothorax", {**ABSENT, "change": "resolved"})),
    )
    assert [c.kind for c in timeline.conflicts] == ["absent_before"]


def test_conflict_new_though_there_before():
    timeline = follow(report(("pneumothorax", {})), report(("pneumothorax", {"change": "new"})))
    assert [c.kind for c in timeline.conflicts] == ["present_before"]


def test_conflict_of_words_and_severities():
    timeline = follow(
        report(("edema", {"severity": "severe"})),
        report(("edema", {"severity": "mild", "change": "increased"})),
    )
    assert [c.kind for c in timeline.conflicts] == ["opposite_change"]


def test_conflict_within_a_report():
    timeline = follow(report(("edema", {}), ("edema", ABSENT)))
    assert [c.kind for c in timeline.conflicts] == ["present_and_absent"]
    assert statuses(timeline.entries[0]) == [(0, "present")]


def test_exceptions_to_a_normal_or_qualified_statement_are_no_conflict():
    draft = Draft("Lungs are otherwise clear. Left opacity.")
    _, clear = draft.normal("lung", "lung_opacity", "Lungs", "are otherwise clear")
    draft.observe(clear)
    draft.observe(draft.mention("lung_opacity", "opacity"), side="left")
    assert follow(draft.build()).conflicts == ()
    focal = report(("edema", {}), ("edema", ABSENT), attributes=[("distribution", "focal", 1)])
    assert follow(focal).conflicts == ()


def test_what_was_and_is_gone_is_absent():
    timeline = follow(report(("nodule", {"assertion": "historical"}), ("nodule", ABSENT)))
    assert statuses(timeline.entries[0]) == [(0, "absent")]
    assert timeline.conflicts == ()


def test_normal_places_end_what_was_there():
    draft = Draft("Lungs are clear.")
    _, clear = draft.normal("lung", "lung_opacity", "Lungs", "are clear")
    draft.observe(clear)
    before = report(("pneumonia", {"side": "left", "places": ("lower_lobe",)}))
    (entry,) = follow(before, draft.build()).entries
    assert implied(entry) == ["", "resolved"]


def test_a_normal_chest_has_no_thread():
    assert follow(report(("no_finding", {}))).entries == ()


def test_no_conflict_where_none_is():
    timeline = follow(
        report(("edema", {"severity": "mild"}), ("pneumothorax", ABSENT)),
        report(("edema", {"change": "increased", "severity": "severe"}), ("pneumothorax", ABSENT)),
        report(("edema", {**ABSENT, "change": "resolved"})),
        report(("edema", {"change": "new"})),
    )
    assert timeline.conflicts == ()
    assert implied(timeline.entries[0]) == ["", "increased", "resolved", "new"]


def test_findings_and_impression_are_one_point():
    (entry,) = follow(
        report(
            ("edema", {"assertion": "uncertain"}),
            ("edema", {"severity": "mild"}),
            ("edema", {"assertion": "hypothetical"}),
        )
    ).entries
    (point,) = entry.points
    assert (point.assertion.value, point.severity, point.observations) == (
        "present",
        "mild",
        (0, 1),
    )


def test_order_of_days_then_of_giving():
    days = [dt.date(2020, 5, 2), dt.date(2020, 5, 1), dt.datetime(2020, 5, 1, 8)]
    reports = [DatedReport(report(("edema", {})), day, str(n)) for n, day in enumerate(days)]
    assert [item.id for item in build_timeline(reports).reports] == ["1", "2", "0"]


def test_half_dated_reports_are_refused():
    reports = [DatedReport(report(("edema", {})), dt.date(2020, 5, 2)), DatedReport(report())]
    with pytest.raises(InvalidValueError, match="1 of 2"):
        build_timeline(reports)


def test_layout():
    reports = [
        DatedReport(report(("edema", {})), dt.date(2020, 5, 2), "b"),
        DatedReport(report(), dt.date(2020, 5, 3), "c"),
        DatedReport(report(("edema", ABSENT)), dt.date(2020, 5, 1), "a"),
    ]
    stored = timeline_to_dict(build_timeline(reports))
    assert json.loads(json.dumps(stored)) == stored
    assert [item["id"] for item in stored["reports"]] == ["a", "b", "c"]
    assert stored["reports"][0]["date"] == "2020-05-01"
    (entry,) = stored["entries"]
    assert [study["status"] for study in entry["studies"]] == ["absent", "present", "not_mentioned"]
    assert entry["studies"][1]["implied_change"] == "new"


def test_nothing():
    assert build_timeline([]).entries == ()
    assert follow(report(), report()).entries == ()


def test_timeline_of_parsed_reports():
    timeline = follow(
        parse("No pleural effusion. Right lower lobe pneumonia."),
        parse("New small right pleural effusion. Pneumonia is unchanged."),
        parse("Moderate right effusion, increased. No new consolidation. Lungs are clear."),
        parse("The right effusion has resolved."),
    )
    by_name = {entry.name: entry for entry in timeline.entries}
    effusion, pneumonia = by_name["pleural_effusion"], by_name["pneumonia"]
    assert implied(effusion) == ["", "new", "increased", "resolved"]
    assert [point.said_change for point in effusion.points] == ["", "new", "increased", "resolved"]
    assert (effusion.side, effusion.first_seen, effusion.last_seen) == ("right", 1, 2)
    assert statuses(pneumonia) == [(0, "present"), (1, "present"), (2, "absent")]
    assert timeline.conflicts == ()


def test_conflict_of_parsed_reports():
    timeline = follow(parse("No pneumothorax."), parse("Unchanged left apical pneumothorax."))
    assert [(c.kind, c.report) for c in timeline.conflicts] == [("absent_before", 1)]
