"""Producers that choose partitions in different ways."""

from typing import Any

from faults.matrix import Failed, Site
from faults.verdicts import same
from worker.placing import (
    EVENTS,
    MODELS,
    PARTITIONS,
    Place,
    by_crc32,
    by_murmur2,
    by_turns,
    named,
    write,
)
from worker.running import WorkerProcess, read_alerts

from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

ORDER = 22
FAULT = (
    "events by CRC-32 and labels by murmur2; events without keys, so one model on all partitions"
)
PASSES = (
    "within a minute, once for each model: an alert of kind `system` and a gauge say which models,"
    " and what to set; models that both put on one partition are not named"
)
MINUTE = 60.0


async def run(site: Site) -> str:
    """Write with one pair of producers, then with another."""
    split = {model for model in MODELS if by_crc32(model, 0) != by_murmur2(model, 0)}
    two = await _reported(site, by_crc32, "have not met their events", "labels_apart", split)
    none = await _reported(site, by_turns, "arrive on partitions", "events_scattered", set(MODELS))
    return f"{len(split)} of {len(MODELS)} models apart: {two}; without keys all of them: {none}"


async def _reported(site: Site, events: Place, text: str, problem: str, models: set[str]) -> str:
    content: dict[str, Any] = site.content(topics={"partitions": PARTITIONS})
    config = load(content)
    await ensure_topics(config)
    await write(config, "predictions", events)
    await write(config, "labels", by_murmur2)
    async with WorkerProcess(site.folder, content) as worker:
        await worker.has_counted("events_total", above=len(MODELS) * EVENTS - 1)
        await worker.has_counted(
            f'models_misplaced{{problem="{problem}"}}', above=len(models) - 1, within=MINUTE
        )
        await worker.has_counted("operational_alerts_total", above=len(models) - 1, within=MINUTE)
        same("exit code", 0, await worker.stop())
    if (found := named(await read_alerts(config), text)) != models:
        raise Failed(f"reported {sorted(found)}, not {sorted(models)}")
    return "reported, each once"
