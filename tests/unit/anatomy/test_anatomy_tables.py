from hilum.anatomy.masks import clean_map
from hilum.anatomy.plausibility import describe
from hilum.anatomy.tables import limits, measurement_specs, structure_specs
from hilum.ontology import anatomy as concepts


def test_structures_are_those_of_the_ontology() -> None:
    named = {c.name: c.label for c in concepts() if c.kind == "structure"}
    assert {s.name for s in structure_specs().values()} == named.keys()


def test_every_structure_has_ordered_limits_on_known_features(chest) -> None:
    features = describe(clean_map(chest["right_lung"]))
    for name in structure_specs():
        assert limits(name)
        for limit in limits(name):
            assert limit.feature in features
            assert limit.lowest <= limit.low < limit.high <= limit.highest
            assert limit.too_low


def test_measurements_need_known_structures() -> None:
    specs = measurement_specs()
    assert len({s.name for s in specs}) == len(specs) == 13
    assert all(s.needs and set(s.needs) <= structure_specs().keys() for s in specs)
    assert all(s.model_sd > 0 for s in specs)
