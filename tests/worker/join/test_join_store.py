import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import BEGIN, DAY, hard_logs, interleaved, outcomes, pairs, parts, tagged

from streamproc.config.load import load
from streamproc.join.entry import InputLog, JoinEntry
from streamproc.join.join import Join
from streamproc.join.store import StoredEntry
from streamproc.worker.join.store import Store, StoreBusyError


@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 2000), max_size=6))
@settings(deadline=None, max_examples=25)
def test_a_store_gives_what_memory_gives(
    seed: int, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On the disk or in memory, swept, full or left alone: the outcomes are the same bytes."""
    draw = random.Random(seed)
    logs = hard_logs(draw.randint(1, 150), seed)
    mixed = interleaved(
        draw, tagged(InputLog.PREDICTIONS, logs.events), tagged(InputLog.LABELS, logs.labels)
    )
    config = load({"labels": {"horizon": draw.choice(["2h", "1d", "7d"]), "max_pending": 60}})
    path = tmp_path_factory.mktemp("store") / "labels.db"
    # Of models that are asked, what was said with the question is at hand for the label, or lost.
    asked = draw.random() < 0.5
    kept = Join(config, 0, store := Store(path, 2**20), lambda _: asked)
    memory = Join(config, 0, asks=lambda _: asked)

    on_disk = []
    for part in parts(mixed, cuts):
        on_disk.append(kept.process(part))
        store.commit()
        store.close()
        store = kept.shelf = Store(path, 2**20)  # as after a crash

    assert outcomes(on_disk) == outcomes([memory.process(mixed)])
    assert len(store) == len(memory.shelf)
    store.close()


def test_what_was_not_committed_does_not_count(tmp_path: Path) -> None:
    """After a crash a store is as it was at its last commit: content and place together."""
    path = tmp_path / "labels.db"
    logs = hard_logs(200, seed=5)
    events, labels = tagged(InputLog.PREDICTIONS, logs.events), tagged(InputLog.LABELS, logs.labels)
    store = Store(path, 2**20)
    join = Join(load({}), 0, store)
    join.process(events)
    store.place.positions[InputLog.PREDICTIONS] = len(events)
    store.commit()
    join.process(labels[: len(labels) // 2])
    store.place.positions[InputLog.LABELS] = len(labels) // 2
    store.close()

    again = Store(path, 2**20)

    assert again.place.positions == {InputLog.PREDICTIONS: len(events)}
    assert pairs([Join(load({}), 0, again).process(labels)]) == logs.pairs
    again.close()


def test_a_store_has_one_owner(tmp_path: Path) -> None:
    """Two workers on one machine cannot write into the same file."""
    store = Store(tmp_path / "labels.db", 2**20)
    with pytest.raises(StoreBusyError, match="another process"):
        Store(tmp_path / "labels.db", 2**20)
    store.close()
    Store(tmp_path / "labels.db", 2**20).close()


def test_a_store_is_not_used_after_the_machine_went_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is not waited for to be on the disk, so then it may be of no moment at all."""
    path = tmp_path / "labels.db"
    store = Store(path, 2**20)
    Join(load({}), 0, store).process(tagged(InputLog.PREDICTIONS, hard_logs(50, seed=1).events))
    store.commit()
    store.close()
    monkeypatch.setattr("streamproc.worker.join.store._boot", lambda: "another")
    again = Store(path, 2**20)
    assert len(again) == 0
    again.close()


def test_memory_has_a_cap(tmp_path: Path) -> None:
    """What waits is on the disk: ten times as much of it takes no more memory."""
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("only Linux tells a process its memory")
    store = Store(tmp_path / "labels.db", 2**20)
    join = Join(load({}), 0, store)

    def fill(first: int, last: int) -> int:
        for start in range(first, last, 500):
            join.process(
                tagged(
                    InputLog.PREDICTIONS,
                    (
                        {"model_id": "m", "event_id": str(n), "ts": BEGIN + DAY * n / last,
                         "prediction": 0.5, "tags": {"pad": "x" * 300}}
                        for n in range(start, start + 500)
                    ),
                )
            )  # fmt: skip
            store.commit()
        return int(resident.read_text().split()[1]) * 4096

    before = fill(0, 4000)
    after = fill(4000, 40_000)
    assert len(store) == 40_000
    assert after - before < 8 * 2**20  # of 20 MB
    store.close()


def test_entries_whose_numbers_are_equal_are_told_apart(tmp_path: Path) -> None:
    """Two events that the index of the file cannot tell apart keep their own labels."""
    path = tmp_path / "labels.db"
    entries = {
        b"alike..." + bytes([number]) * 8: StoredEntry(
            "m", known=True, due=BEGIN, entry=JoinEntry(time=BEGIN, body=b"%d" % number)
        )
        for number in range(3)
    }
    store = Store(path, 2**20)
    store.load(entries.keys())
    store.save(entries)
    store.commit()
    store.close()

    again = Store(path, 2**20)
    for key, stored in entries.items():
        assert again.load([key])[key] == stored
    store_of_two = dict(list(entries.items())[:2])
    again.save(dict.fromkeys(store_of_two))
    again.commit()
    assert [*again.load(entries.keys())] == [key for key in entries if key not in store_of_two]
    assert len(again) == 1
    again.close()


def test_what_is_pushed_out_of_memory_is_found_again(tmp_path: Path) -> None:
    """A label finds its event wherever that is by then, and whether it was committed or not."""
    store = Store(tmp_path / "labels.db", 2**20)
    join, memory = Join(load({}), 0, store), Join(load({}), 0)
    pad = {"tags": {"pad": "x" * 2000}}
    logs = hard_logs(900, seed=6)
    events = tagged(InputLog.PREDICTIONS, [event | pad for event in logs.events])
    labels = tagged(InputLog.LABELS, logs.labels)

    kept = [join.process(part) for part in parts([*events, *labels], range(0, 5000, 90))]

    assert outcomes(kept) == outcomes([memory.process([*events, *labels])])
    assert pairs(kept) == logs.pairs
    store.close()
