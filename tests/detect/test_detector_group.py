"""Sets of detectors."""

from record_logs import noise, record, run, shard

from streamproc.config.detector_spec import DetectorSpec, labelled


def test_a_detector_twice_in_a_list_is_two() -> None:
    """Two entries of one detector with other parameters both watch, and alerts tell them apart."""
    quick = {"page_hinkley": {"threshold": 5.0, "min_instances": 30}}
    slow = {"page_hinkley": {"threshold": 50_000.0}}
    records = [record(at, event) for at, event in enumerate(noise(1500, 3, 1000, a=30.0))]
    found = {}
    for name, detectors in (("one", [quick]), ("both", [slow, quick]), ("slow", [slow])):
        config = {"models": [{"id": "*", "watch": [{"on": "feature:a", "detectors": detectors}]}]}
        target = shard(config)
        alerts = run(target, records).alerts
        found[name] = {
            (each.detector, each.source.offset) for each in alerts if each.status == "firing"
        }
    assert {offset for _, offset in found["both"]} >= {offset for _, offset in found["one"]}
    assert {detector for detector, _ in found["both"]} == {"page_hinkley#2"}
    assert found["slow"] == set()


def test_the_same_entry_twice_is_one() -> None:
    """What stands in a list twice, to the last parameter, watches once."""
    specs = [
        DetectorSpec.model_validate(each)
        for each in ("adwin", "ddm", "adwin", {"adwin": {"delta": 0.1}})
    ]
    assert [*labelled(specs)] == ["adwin", "ddm", "adwin#2"]
