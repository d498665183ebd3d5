from streamproc.tools.bench.workload import PARTITIONS, Workload, events


def test_workload_is_the_same_each_time() -> None:
    """A seed gives the same bytes each time, and another seed gives others."""
    once, again = list(events(Workload(5000))), list(events(Workload(5000)))
    assert once == again
    assert once != list(events(Workload(5000, seed=2)))


def test_workload_has_the_stated_size() -> None:
    """An event of 10 features has about 294 bytes, and models take turns on 4 partitions."""
    found = list(events(Workload(10_000)))
    assert 285 < sum(len(event.value) for event in found) / len(found) < 300
    assert {event.key for event in found} == {b"m%d" % model for model in range(10)}
    assert {event.partition for event in found} == set(range(PARTITIONS))
