"""The shape of the data changes with each event."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults.ending import all_handled
from faults.matrix import Differs, Site
from faults.traffic import START, send, sent
from faults.verdicts import equal, same, snapshots
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 15.1
FAULT = (
    "a new feature name in each event; number and probability predictions by turns; 98 % of the"
    " features absent, others each time"
)
PASSES = (
    "≡G; the worker keeps its place in the group; each event costs at most three times"
    " the CPU of one of a plain shape"
)
FEATURES, NAMES, MAX_RATIO = 20, 1000, 3.0
WARM_UP, TURNS = 1000, 3
TICKS = 100.0  # a second, of /proc
Shape = Callable[[Site, int], dict[str, Any]]


async def run(site: Site) -> str:
    """Send one shape after the other, and measure the worker's CPU seconds for each."""
    content = site.content(topics={"partitions": 1}, limits={"slice_records": 1000})
    del content["snapshots"]  # those of a short interval cost time, whatever the events are
    config, count = load(content), site.size(6000, 60_000)
    spent = dict.fromkeys(SHAPES, 0.0)
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        for name, shape in SHAPES.items():  # what is compiled for it is loaded once
            await send(config, map(sent, _events(site, f"warm-up {name}", shape, WARM_UP)))
        await all_handled(config)
        for turn in range(TURNS):  # by turns: what else the machine does costs all shapes alike
            for name, shape in SHAPES.items():
                before = _cpu(worker.pid)
                await send(config, map(sent, _events(site, f"{name} {turn}", shape, count)))
                await all_handled(config)  # asks the broker: asking the worker would cost it CPU
                spent[name] += _cpu(worker.pid) - before
        same("health", (200, "ok\n"), await worker.get("/healthz"))
        same("exit code", 0, await worker.stop())
    found = await equal(config, states=False)  # too large for the seconds of a stop
    _, written = await snapshots(config)
    generations = {each.key.epoch for of_partition in written.values() for each in of_partition}
    same("generations of the group", 1, len(generations))
    costs = {name: spent[name] / spent["plain"] for name in SHAPES}
    ratios = ", ".join(f"{name} {ratio:.1f}" for name, ratio in costs.items())
    if max(costs.values()) > MAX_RATIO:
        raise Differs(f"CPU of an event over that of a plain one: {ratios}")
    return (
        f"{TURNS} models with {count} events of each shape; CPU"
        f" {spent['plain'] / count / TURNS * 1e6:.0f} µs a plain one;"
        f" times that: {ratios}; {len(found.wanted.alerts)} alerts ≡G"
    )


def _events(site: Site, model: str, shape: Shape, count: int) -> Iterator[dict[str, Any]]:
    for index in range(count):
        yield {"model_id": model, "ts": START + index} | shape(site, index)


def _features(site: Site, names: Iterator[int] | range) -> dict[str, float]:
    return {f"f{name}": site.draw.gauss(0, 1) for name in names}


def _plain(site: Site, index: int) -> dict[str, Any]:
    moved = 4.0 * (index > 3000)
    features = _features(site, range(FEATURES)) | {"f0": site.draw.gauss(moved, 1)}
    return {"features": features, "prediction": site.draw.random()}


def _new_name(site: Site, index: int) -> dict[str, Any]:
    features = _features(site, range(FEATURES - 1)) | {f"new-{index}": 1.0}
    return {"features": features, "prediction": site.draw.random()}


def _by_turns(site: Site, index: int) -> dict[str, Any]:
    chance = site.draw.random()
    prediction = chance if index % 2 else {"yes": chance, "no": 1 - chance}
    return {"features": _features(site, range(FEATURES)), "prediction": prediction}


def _absent(site: Site, index: int) -> dict[str, Any]:
    first = index * FEATURES % NAMES
    names = range(first, first + FEATURES)
    return {"features": _features(site, names), "prediction": site.draw.random()}


SHAPES: dict[str, Shape] = {
    "plain": _plain, "forms by turns": _by_turns, "98 % absent": _absent, "new names": _new_name,
}  # fmt: skip


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
