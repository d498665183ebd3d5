"""Batches that were damaged on a broker's disk."""

import asyncio
import struct
from pathlib import Path

from broker_topics import records
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.verdicts import equal, same
from wire_format import checked

from streamproc.config.load import load

ORDER = 6.9
FAULT = (
    "batches that cannot be parsed, by bytes changed in a log of the broker: wrong checksum,"
    " unknown codec, data that does not unpack"
)
PASSES = "each is one dead letter that names its offsets; the rest ≡G, state too; no restart"
MODELS = 8
PARTS = 12
ATTRIBUTES_AT, LAST_DELTA_AT = 22, 23


async def run(site: Site) -> str:
    """Damage three batches while the broker is down, then let a worker read all of them."""
    content = site.content(topics={"partitions": 1})
    config = load(content)
    log = list(map(sent, events(site.draw.randrange(2**32), MODELS, site.size(900, 9000))))
    size = len(log) // PARTS
    for start in range(0, len(log), size):
        await send(config, log[start : start + size])
    topic = config.topics.full_name("predictions")
    await asyncio.to_thread(site.kafka.stop, 1)
    file = site.kafka.data_dir / "node-1" / "data" / f"{topic}-0" / f"{0:020}.log"
    wanted = _damage(file)
    await asyncio.to_thread(site.kafka.start, 1)
    await finish(site, content)
    found = await equal(config, least=10)
    letters = [dict(letter.headers) for letter in await records(config, "dead_letters")]
    told = [(int(each["offset"] or b""), (each["reason"] or b"").decode()) for each in letters]
    same("dead letters", wanted, told)
    details = [(each["detail"] or b"").decode() for each in letters]
    named = zip(told, details, strict=True)
    if not all(f"to {offset} " in detail for (offset, _), detail in named):
        raise Failed(f"offsets are not named: {details}")
    return f"{len(told)} batches, a dead letter each; {len(found.wanted.alerts)} alerts ≡G"


def _damage(file: Path) -> list[tuple[int, str]]:
    """Damage batches in the middle of a log; return the dead letters that are to come of it."""
    data, places, at = bytearray(file.read_bytes()), [], 0
    while at < len(data):
        base, length = struct.unpack_from(">qi", data, at)
        (delta,) = struct.unpack_from(">i", data, at + LAST_DELTA_AT)
        places.append((at, at + 12 + length, base + delta))
        at += 12 + length
    middle = len(places) // 2
    chosen = places[middle : middle + 6 : 2]
    if len(chosen) < 3:
        raise Failed(f"{len(places)} batches are too few")
    for kind, (start, end, _) in enumerate(chosen):
        if kind == 0:
            data[end - 5] ^= 0xFF
            continue
        data[start + ATTRIBUTES_AT] |= 6 if kind == 1 else 1
        data[start:end] = checked(bytes(data[start:end]))
    file.write_bytes(data)
    reasons = ("corrupt", "unsupported_codec", "corrupt")
    return [(last, reason) for (_, _, last), reason in zip(chosen, reasons, strict=True)]
