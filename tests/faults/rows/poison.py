"""One record in a hundred is not an event."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 6
FAULT = (
    "1 % poison: not JSON, wrong types, 5,000 levels deep, 1e999, NaN, Infinity, 10 MB, invalid"
    " UTF-8, empty, tombstone"
)
PASSES = (
    "each in the dead letters once, with topic, partition, offset and reason; the rest ≡G; no"
    " restart; RSS grows by less than 10 MiB after a warm-up"
)
MODELS, GROWTH = 8, 10 * 2**20
HUGE = json.dumps({"model_id": "model-0", "prediction": 1, "x": "x" * 10_000_000}).encode()
KINDS: dict[bytes | None, str] = {
    b"no json": "not_json",
    b'{"model_id": 7, "prediction": 1}': "wrong_type",
    b'{"model_id": "model-1", "prediction": 1, "x": '
    + b"[" * 5000
    + b"]" * 5000
    + b"}": "too_deep",
    b'{"model_id": 1e999, "prediction": 1}': "wrong_type",
    b'{"model_id": NaN, "prediction": 1}': "wrong_type",
    b'{"model_id": "model-4", "prediction": 1, "ts": Infinity}': "wrong_type",
    b'{"model_id": "model-\xff", "prediction": 1}': "not_utf8",
    b"": "empty",
    None: "empty",
}

PARTS = 18


async def run(site: Site) -> str:
    """Send one part after the other, and look at the memory after each."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    count = site.size(2500, 25_000)
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, count)]
    part = len(log) // PARTS
    wanted: Counter[str] = Counter()
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        sizes = []
        handled = 0
        for start in range(0, len(log), part):
            handled += await send(config, _poisoned(log[start : start + part], wanted))
            await worker.has_counted("records_total", above=handled - 1)
            sizes.append(resident(worker.pid))
        same("health", (200, "ok\n"), await worker.get("/healthz"))
        code = await worker.stop()
        same("exit code", 0, code)
        if "Traceback" in worker.stderr:
            raise Failed(worker.stderr[-500:])
    found = await equal(config, least=20)
    same(
        "dead letters by reason",
        wanted,
        Counter(each.reason for each in found.found.letters.values()),
    )
    same("dead letters and alerts that are there twice", 0, found.found.repeated)
    # A buffer of 10 MB that is in use at one look is not growth: the smallest of a third counts.
    # The first third is a warm-up: the heap keeps the room of the largest record.
    third = PARTS // 3
    early, late = min(sizes[third : 2 * third]), min(sizes[2 * third :])
    grown = late - early
    if grown >= GROWTH:
        raise Failed(f"RSS grew by {grown / 2**20:.1f} MiB in the last third")
    return (
        f"{wanted.total()} of {handled} records, each a dead letter once;"
        f" {len(found.wanted.alerts)} alerts ≡G; RSS {late / 2**20:.0f} MiB,"
        f" {grown / 2**20:+.1f} MiB in the last third"
    )


def _poisoned(log: list[Sent], wanted: Counter[str]) -> Iterator[Sent]:
    kinds = cycle(KINDS.items())
    for place, each in enumerate(log):
        yield each
        if place % 100 == 50:
            value, reason = next(kinds)
            wanted[reason] += 1
            yield Sent(value, each.key)
        if place == len(log) // 2:
            wanted["too_large"] += 1
            yield Sent(HUGE, each.key)
