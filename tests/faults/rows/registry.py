"""A schema registry is killed, and then the worker that waits for it."""

import asyncio
import signal
from typing import Any

import msgspec
from apache.settings import free_ports
from apicurio.distribution import RegistryMissingError
from apicurio.serialised import serialised
from apicurio.server import Apicurio
from broker_topics import records
from detour import Detour
from faults.matrix import Site, Unavailable
from faults.verdicts import equal, same
from worker.running import WorkerProcess
from worker.test_intake import intake, native, rows, send_unkeyed

from streamproc.config.load import load

ORDER = 10.7
FAULT = "SIGKILL of the schema registry of an intake, then of the worker whose topics it holds"
PASSES = "a known schema is read on; others are held, and `/readyz` says why; no event is lost; ≡G"
FORMS = ("avro", "protobuf")


async def run(site: Site) -> str:
    """Kill both between two topics of different schemas; start them again."""
    settings = site.content()
    topics = {form: f"{settings['group']}-{form}" for form in FORMS}
    settings["intake"] = [entry for topic in topics.values() for entry in intake(topic)]
    each = {form: _rows(form, site.size(4000, 20_000)) for form in FORMS}
    try:
        registry = await asyncio.to_thread(Apicurio, site.folder)
    except RegistryMissingError as error:
        raise Unavailable(f"no Apicurio Registry: {error}") from error
    detour = Detour(*free_ports(1), registry.port)
    settings["registry"] = {"url": registry.url_at(detour.port)}
    with registry:
        async with detour.open():
            values = await asyncio.to_thread(_values, registry.url, topics, each)
            half = len(values["avro"]) // 2
            await send_unkeyed(load(settings), topics["avro"], values["avro"][:half])
            async with WorkerProcess(site.folder, settings) as worker:
                await worker.has_counted("intake_events_total", above=half - 1)
                await asyncio.to_thread(registry.kill)
                await send_unkeyed(load(settings), topics["avro"], values["avro"][half:])
                await worker.has_counted("intake_events_total", above=2 * half - 1)
                await send_unkeyed(load(settings), topics["protobuf"], values["protobuf"])
                # The intake rejoins its group for a new topic, and is not ready for that first.
                await worker.becomes("/readyz", 503, f"intake of {topics['protobuf']} is held: ")
                worker.send(signal.SIGKILL)
                await worker.exit_code()
            async with WorkerProcess(site.folder, settings, "--exit-when-idle", "3") as worker:
                await worker.logged("intake is held until")
                detour.cut()  # until it has the schemas again, with the same ids
                await asyncio.to_thread(registry.start)
                await asyncio.to_thread(_values, registry.url, topics, each)
                detour.mend()
                same("exit code", 0, await worker.exit_code())
    found = await equal(load(settings))
    same("dead letters", 0, len(found.found.letters))
    events = {record.value for record in await records(load(settings), "predictions")}
    wanted = {msgspec.json.encode(native(row)) for part in each.values() for row in part}
    same("events that are missing or other ones", 0, len(events ^ wanted))
    return f"{len(events)} events, none lost; {len(found.wanted.alerts)} alerts ≡G"


def _rows(form: str, count: int) -> list[dict[str, Any]]:
    return [row | {"model": f"{form}-{row['model']}"} for row in rows(count)]


def _values(
    url: str, topics: dict[str, str], each: dict[str, list[dict[str, Any]]]
) -> dict[str, list[bytes]]:
    return {form: serialised(url, form, topics[form], each[form]) for form in FORMS}
