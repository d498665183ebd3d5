"""The detectors of a series, looked up once for each entry of the configuration."""

import pytest
from record_logs import record, run, shard

from streamproc.config.load import load
from streamproc.config.model import ModelConfig
from streamproc.config.reference_sample import ReferenceSample
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.group_lookup import GroupLookup

WATCH = [
    {"on": "feature:a?", "detectors": ["adwin"], "warmup": 50},
    {"on": "feature:[b-c]*", "detectors": ["cusum", "g_test"]},
    {"on": "quality:*", "detectors": ["page_hinkley"], "follow": False},
    {"on": "feature:none", "detectors": []},
    {"on": "*", "detectors": ["mixture"]},
]
SERIES = ("feature:a", "feature:a1", "feature:cd", "quality:a1", "feature:none", "prediction:yes")


@pytest.mark.parametrize("reference", [False, True])
def test_series_have_the_detectors_that_the_configuration_gives(*, reference: bool) -> None:
    """Each series is watched as its entry says, whichever series were looked up before."""
    config: ModelConfig = load({"models": [{"id": "m", "watch": WATCH}]}).model("m")
    if reference:
        config = config.compared_with(ReferenceSample("d", {"cd": [1.0], "prediction": ["yes"]}))
    lookup = GroupLookup(config, lambda specs: DetectorGroup(specs) if specs else None)
    asked = [(name,) for name in SERIES] + [("feature:bert:norm", "feature:bert")]
    for category in (False, True, False):
        for names in asked:
            group = lookup.group(*names, category=category)
            specs = config.detectors(*names, category=category)
            found = list(group.settings.values()) if group else []
            assert found == [spec.hash for spec in specs]


def test_a_limit_refuses_the_last_of_several_new_series() -> None:
    """Of the new series of one event, the first ones are watched, as many as the limit allows."""
    target = shard({"limits": {"max_series": 5}})
    features = dict.fromkeys("abcdefg", 1.0)
    event = {"model_id": "m", "features": features, "prediction": 1}
    [alert] = run(target, [record(0, event)]).alerts
    slots = target.catalogue.models["m"].slots
    assert [slot >= 0 for slot in slots.values()] == [True] * 5 + [False] * 3
    assert list(slots) == [*(f"feature:{name}" for name in features), "prediction"]
    assert (target.catalogue.series, target.catalogue.refused) == (5, 3)
    assert alert.detector == "limits"
