"""The scene graph hangs findings on regions and compares them with a prior exam."""

import csv
import json
from importlib import resources

import pytest

from hilum.text.parsing import parse
from hilum.text.regions import default_place, find_regions, part_of, region_names
from hilum.text.scene import build_scene_graph, scene_to_dict
from hilum.types import Box
from text_factory import Draft, report

ABSENT = {"assertion": "absent"}


def regions_of(*claims):
    scene = build_scene_graph(report(*claims))
    return {region.name: [finding.name for finding in region.findings] for region in scene.regions}


def relations(scene):
    return [(item.region, item.relation, item.is_said) for item in scene.comparisons]


def rows(name):
    text = (resources.files("hilum.text") / "tables" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_tables_agree_with_each_other():
    places = {row["place"] for row in rows("scene_regions.csv")}
    assert {row["place"] for row in rows("scene_findings.csv")} <= places
    parts = {name for row in rows("scene_parts.csv") for name in row.values()}
    assert parts <= set(region_names())
    assert {row["extent"] for row in rows("scene_findings.csv")} == {"one", "both"}


def test_every_region_of_chest_imagenome_can_be_reached():
    zones = ["upper lung zone", "mid lung zone", "lower lung zone", "apical zone"]
    paired = [*zones, "lung", "hilar structures", "costophrenic angle", "hemidiaphragm", "clavicle"]
    single = ["trachea", "spine", "aortic arch", "mediastinum", "upper mediastinum", "svc"]
    heart = ["cardiac silhouette", "cavoatrial junction", "right atrium", "carina", "abdomen"]
    wanted = {f"{side} {name}" for side in ("left", "right") for name in paired}
    assert len(wanted | {*single, *heart}) == 29
    assert wanted | {*single, *heart} <= set(region_names())


def test_regions_of_places():
    assert find_regions("lower_lobe", "left") == ("left lower lung zone",)
    assert find_regions("lower_lobe", "bilateral") == (
        "left lower lung zone",
        "right lower lung zone",
    )
    assert find_regions("lower_lobe") == ("unknown",)
    assert find_regions("lower_lobe", is_paired=True) == find_regions("lower_lobe", "bilateral")
    assert find_regions("middle_lobe", "right") == ("right mid lung zone",)
    assert find_regions("carina", "left") == ("carina",)
    assert find_regions("cardiac_silhouette") == ("cardiac silhouette",)
    assert find_regions("cardiac_silhouette", "left") == ("left cardiac silhouette",)
    assert find_regions("no such place", "left") == ("unknown",)
    assert default_place("no such finding").place == "thorax"
    assert part_of("left lung") == ""


@pytest.mark.parametrize(
    ("claim", "regions"),
    [
        (("pleural_effusion", {"side": "right"}), ["right costophrenic angle"]),
        (("pleural_effusion", {}), ["unknown"]),
        (("pleural_effusion", ABSENT), ["left costophrenic angle", "right costophrenic angle"]),
        (("edema", {}), ["left lung", "right lung"]),
        (("edema", {"side": "left"}), ["left lung"]),
        (("cardiomegaly", {}), ["cardiac silhouette"]),
        (
            ("nodule", {"side": "left", "places": ("upper_lobe", "apex")}),
            ["left upper lung zone", "left apical zone"],
        ),
        (("nodule", {"places": ("upper_lobe",)}), ["unknown"]),
        (
            ("lung_opacity", {"places": ("lung",), "distribution": ("diffuse",)}),
            ["left lung", "right lung"],
        ),
        (("spondylosis", {"places": ("thorax",)}), ["spine"]),
        (("low_lung_volumes", {"places": ("lung",)}), ["left lung", "right lung"]),
        (("endotracheal_tube", {"kind": "device", "tip": "carina"}), ["carina"]),
        (("pneumonia", {"assertion": "historical"}), []),
        (("pneumonia", {"assertion": "hypothetical"}), []),
        (("pneumonia", {"assertion": "not_assessed"}), []),
    ],
)
def test_where_findings_go(claim, regions):
    assert list(regions_of(claim)) == regions


def test_findings_carry_what_is_said():
    fields = {"side": "right", "severity": "severe", "texture": ("dense",), "change": "new"}
    scene = build_scene_graph(report(("consolidation", fields)))
    (finding,) = scene.regions[0].findings
    assert finding.category == "anatomicalfinding"
    assert (finding.status, finding.severity, finding.texture) == ("yes", "severe", ("dense",))
    assert not finding.is_place_said
    said = build_scene_graph(report(("consolidation", {**fields, "places": ("lower_lobe",)})))
    assert said.regions[0].findings[0].is_place_said


@pytest.mark.parametrize(
    ("claims", "condition"),
    [
        ([("edema", {})], "abnormal"),
        ([("edema", ABSENT)], "normal"),
        ([("edema", {"assertion": "uncertain"}), ("pneumonia", ABSENT)], "uncertain"),
        ([("edema", {"assertion": "uncertain"}), ("emphysema", {})], "abnormal"),
    ],
)
def test_condition(claims, condition):
    scene = build_scene_graph(report(*claims))
    assert {region.condition for region in scene.regions} == {condition}


def test_devices_make_no_region_abnormal():
    scene = build_scene_graph(report(("pacemaker", {"kind": "device", "position": "correct"})))
    assert scene.regions[0].condition == ""
    assert scene.regions[0].findings[0].position == "correct"


def test_normal_places():
    draft = Draft("Lungs are clear. Aorta is tortuous.")
    _, opacity = draft.normal("lung", "lung_opacity", "Lungs", "are clear")
    draft.observe(opacity)
    draft.place("aorta", "Aorta")
    scene = build_scene_graph(draft.build())
    assert [(r.name, r.condition, r.sentences) for r in scene.regions] == [
        ("left lung", "normal", (0,)),
        ("right lung", "normal", (0,)),
    ]


def test_wide_places_say_no_more_than_the_finding():
    places = {"side": "right", "places": ("pleura",)}
    (region,) = build_scene_graph(report(("pleural_effusion", places))).regions
    assert region.name == "right costophrenic angle"
    assert not region.findings[0].is_place_said


def test_a_normal_chest_is_normal():
    (region,) = build_scene_graph(report(("no_finding", {"places": ("thorax",)}))).regions
    assert (region.name, region.condition) == ("unknown", "normal")


def test_parts_belong_to_the_whole():
    scene = build_scene_graph(report(("nodule", {"side": "left", "places": ("apex",)})))
    assert [finding.name for finding in scene.findings_in("left lung")] == ["nodule"]
    assert scene.findings_in("right lung") == ()


def test_boxes_are_attached():
    box = Box(1.0, 2.0, 3.0, 4.0)
    document = report(("cardiomegaly", {}))
    (region,) = build_scene_graph(document, boxes={"cardiac silhouette": box}).regions
    assert region.box == box


@pytest.mark.parametrize(
    ("change", "relation"),
    [
        ("new", "worsened"),
        ("increased", "worsened"),
        ("decreased", "improved"),
        ("unchanged", "no change"),
    ],
)
def test_comparison_as_said(change, relation):
    scene = build_scene_graph(report(("cardiomegaly", {"change": change})))
    assert relations(scene) == [("cardiac silhouette", relation, True)]


@pytest.mark.parametrize(
    ("then", "now", "relation"),
    [
        ({}, ABSENT, "improved"),
        (ABSENT, {}, "worsened"),
        ({"severity": "mild"}, {"severity": "severe"}, "worsened"),
        ({"severity": "severe"}, {"severity": "minimal"}, "improved"),
        ({"severity": "mild"}, {"severity": "mild"}, "no change"),
        ({"severity": "mild"}, {}, None),
        (ABSENT, ABSENT, None),
        ({"assertion": "uncertain"}, {}, None),
    ],
)
def test_comparison_by_a_prior_scene(then, now, relation):
    prior = build_scene_graph(report(("cardiomegaly", then)))
    scene = build_scene_graph(report(("cardiomegaly", now)), prior)
    assert relations(scene) == ([("cardiac silhouette", relation, False)] if relation else [])


def test_what_is_said_beats_what_is_implied_and_tells_the_prior():
    prior = build_scene_graph(report(("cardiomegaly", {"severity": "mild"})))
    now = {"severity": "severe", "change": "unchanged"}
    (item,) = build_scene_graph(report(("cardiomegaly", now)), prior).comparisons
    assert (item.relation, item.is_said, item.prior_status) == ("no change", True, "yes")


def test_removed_devices_are_no_improvement():
    tube = {"kind": "device", "tip": "carina"}
    prior = build_scene_graph(report(("endotracheal_tube", tube)))
    now = build_scene_graph(report(("endotracheal_tube", {**tube, **ABSENT})), prior)
    assert now.comparisons == ()


def test_layout():
    document = report(("cardiomegaly", {"severity": "mild", "change": "increased"}))
    box = Box(1.0, 2.0, 3.0, 4.0)
    stored = scene_to_dict(build_scene_graph(document, boxes={"cardiac silhouette": box}))
    assert json.loads(json.dumps(stored)) == stored
    assert stored["objects"] == [
        {"bbox_name": "cardiac silhouette", "x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0}
    ]
    (region,) = stored["attributes"]
    assert region["attributes"] == [
        ["anatomicalfinding|yes|cardiomegaly", "severity|yes|mild", "comparison|yes|worsened"]
    ]
    assert region["phrases"] == ["cardiomegaly 0."]
    assert stored["relationships"][0]["relationship_names"] == ["comparison|yes|worsened"]


def test_scene_of_parsed_reports():
    prior = build_scene_graph(parse("Heart size is normal. Mild right pleural effusion."))
    scene = build_scene_graph(
        parse("The heart is enlarged. Large right pleural effusion. Left lung is clear."), prior
    )
    by_name = {region.name: region for region in scene.regions}
    assert by_name["cardiac silhouette"].condition == "abnormal"
    assert by_name["left lung"].condition == "normal"
    assert by_name["right costophrenic angle"].findings[0].severity == "severe"
    assert set(relations(scene)) == {
        ("cardiac silhouette", "worsened", False),
        ("right costophrenic angle", "worsened", False),
    }
