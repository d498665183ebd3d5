"""The owner of the incidents is killed and stopped again and again, while people act on them."""

import asyncio
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from broker_topics import records
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import START, send, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.client.control import send_command
from streamproc.client.incidents import open_incidents
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import TYPE_HEADER, Tick, decode_entry
from streamproc.incidents.records import StoredBook
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.incidents.owner import time_of

ORDER = 10.6
FAULT = (
    "SIGKILL of the workers that keep the incidents, at any moment; SIGSTOP of the owner past its"
    " session, then SIGCONT; commands of people in between"
)
PASSES = (
    "alerts ≡G; each alert is in the ordered log; the incidents and silences on their topic are"
    " those of one undisturbed pass over that log"
)
MODELS, CHANGED, SHIFT, EVENTS = 8, 6, 300, 600
RATE, BACKLOG = 300, 16_000
FROZEN_SECONDS = 9.0  # the session ends after 6
APPLIED_SECONDS = 60.0


async def run(site: Site) -> str:
    """Kill workers while alerts, acknowledgements and silences come."""
    secret = site.folder / "secret"
    secret.write_text("correct horse battery staple 1234")
    secret.chmod(0o600)
    raw = site.content(
        topics={"partitions": 2},
        control={"secret_file": str(secret)},
        policy={"resolve_after": 100, "update_interval": "30s", "group_wait": "2s"},
    )
    config = load(raw)
    log = (sent(event) for event in _events(site.draw.randrange(2**32)))
    await send(config, islice(log, BACKLOG))
    kills, delays = site.size(5, 25), list[float]()
    async with under_load(config, log, RATE) as enough:
        for number in range(kills):
            async with WorkerProcess(site.folder, raw) as worker:
                await worker.has_counted("incidents_owner")
                delays.append(await _act(config, number))
                await asyncio.sleep(site.draw.random())
                worker.send(signal.SIGKILL)
                await worker.exit_code()
        await _freeze(site, raw)
        enough()
    await finish(site, raw)
    alerts = len((await equal(config, states=False, least=20)).wanted.alerts)
    incidents, repeated = await equal_incidents(config)
    return (
        f"{kills} kills and 1 stop; {alerts} alerts ≡G, {repeated} again in the log; {incidents}"
        f" incidents as in one pass; commands applied after {max(delays):.1f} s at most"
    )


def _events(seed: int) -> Iterator[dict[str, Any]]:
    """Give events of new models again and again; a feature that six of them share moves by 4 σ."""
    draw = random.Random(seed)
    for index in itertools.count():
        generation, step = divmod(index, EVENTS)
        for model in range(MODELS):
            moved = 4.0 if model < CHANGED and step >= SHIFT else 0.0
            yield {
                "model_id": f"model-{generation}-{model}",
                "event_id": f"{index}",
                "ts": START + index,
                "features": {"amount": draw.gauss(moved, 1), "age": draw.random()},
                "prediction": draw.random(),
            }


async def _act(config: Config, number: int) -> float:
    """Acknowledge the last incident, and silence a model; return the seconds until it shows."""
    async with open_incidents(config) as topic:
        await topic.wait_for(lambda values: bool(values.incidents), APPLIED_SECONDS)
        last = max(topic.values.incidents.values(), key=lambda each: each.opened)
        began = time.monotonic()
        sent_ack = await send_command(
            "incident_ack", {"incident_id": last.incident_id}, config=config
        )
        end = f"{2026 + number}-12-31T00:00:00Z"
        silence = {"matchers": {"model": f"*-{number % MODELS}"}, "end": end, "comment": "row"}
        sent_silence = await send_command("silence_set", silence, config=config)

        def applied(values: Any) -> bool:
            incidents, silences = values.incidents.values(), values.silences.values()
            return any(sent_ack.id in each.commands for each in incidents) and any(
                sent_silence.id in each.commands for each in silences
            )

        if not await topic.wait_for(applied, APPLIED_SECONDS):
            raise Failed(f"commands were not applied within {APPLIED_SECONDS:.0f} s")
    return time.monotonic() - began


async def _freeze(site: Site, raw: dict[str, Any]) -> None:
    """Stop the owner until another worker has taken over, and let it go on."""
    async with WorkerProcess(site.folder, raw) as one, WorkerProcess(site.folder, raw) as other:
        await other.port()
        owns = [False, False]
        async with asyncio.timeout(APPLIED_SECONDS):
            while sum(owns) != 1:
                owns = [await each.counted("incidents_owner") > 0 for each in (one, other)]
        owner, heir = (one, other) if owns[0] else (other, one)
        owner.send(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        await heir.has_counted("incidents_owner")
        owner.send(signal.SIGCONT)
        await asyncio.sleep(site.size(2, 10))
        same("exit codes", [0, 0], [await owner.stop(), await heir.stop()])


async def equal_incidents(config: Config) -> tuple[int, int]:
    """Hold the topic against one pass over the log; return incidents, and repeated alerts."""
    stored, values = StoredBook(), dict[str, bytes | None]()
    for record in await records(config, "incidents"):
        values |= stored.feed([record])
    if stored.position is None:
        raise Failed("no incident was ever written")
    book, ids = IncidentBook(config.policy.group_wait), Counter[str]()
    wanted: dict[str, bytes | None] = {}
    for record in await records(config, "incident_log"):
        entry = decode_entry(dict(record.headers).get(TYPE_HEADER), record.value)
        if isinstance(entry, AlertEvent):
            ids[entry.alert_id] += 1
        if record.offset > stored.position.number and isinstance(entry, Tick):
            continue  # time that has passed since the last worker stopped
        book.apply(entry, time_of(record.timestamp))
        wanted |= {
            key: None if value is None else value.to_json()
            for key, value in book.take_changes().items()
        }
    published = {
        AlertEvent.from_json(each.value).alert_id for each in await records(config, "alerts")
    }
    same("alerts that the log does not have", set(), published - ids.keys())
    same("alerts that nobody published", set(), ids.keys() - published)
    same("incidents and silences", _set(wanted), _set(values))
    return len(book.incidents), sum(ids.values()) - len(ids)


def _set(values: dict[str, bytes | None]) -> dict[str, bytes]:
    return {key: value for key, value in values.items() if value is not None}
