"""Records that are small on the wire and fill the memory when they are unpacked."""

import re
import zlib
from collections.abc import Iterator

import cramjam
from broker_topics import records
from faults.matrix import Failed, Site
from faults.raw import now, produce
from faults.traffic import events, send, sent
from faults.verdicts import equal, same
from wire_format import Put, batch, checked, varint
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

ORDER = 6.6
FAULT = (
    "compressed bomb: a record of 0.9 MB or less that unpacks to 900 MB (gzip, zstd), 200 MB (lz4)"
)
PASSES = (
    "one dead letter each, that names the offset; the rest ≡G; no restart, no lost membership;"
    " RSS grows by less than three times the 64 MiB that a batch may unpack to"
)
MODELS, CAP = 8, 3 * 64 * 2**20
# Bytes that fit into a megabyte when they are packed, which is what brokers take.
SIZES = {"gzip": 900 * 2**20, "lz4": 200 * 2**20, "zstd": 900 * 2**20}
STEP = 2**20


async def run(site: Site) -> str:
    """Send bombs between good events."""
    content = site.content(topics={"partitions": 1})
    config = load(content)
    await ensure_topics(config)
    log = [
        sent(event) for event in events(site.draw.randrange(2**32), MODELS, site.size(800, 8000))
    ]
    bombs = {name: _bomb(name) for name in SIZES}
    part = len(log) // (len(bombs) + 1)
    handled, wanted, sizes = 0, [], []
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        handled += await send(config, log[:part])
        await worker.has_counted("records_total", above=handled - 1)
        before = resident(worker.pid)
        for number, (name, data) in enumerate(bombs.items(), 1):
            codec = {"gzip": 1, "lz4": 3, "zstd": 4}[name]
            wanted.append(await produce(config, "predictions", _packed(codec, data)))
            handled += 1 + await send(config, log[number * part : (number + 1) * part])
            while await worker.counted("records_total") < handled:
                sizes.append(resident(worker.pid))
        same("health", (200, "ok\n"), await worker.get("/healthz"))
        same("exit code", 0, await worker.stop())
        if re.search("Heartbeat (failed|session expired)", worker.stderr):
            raise Failed(worker.stderr[-500:])
    found = await equal(config, least=10)
    letters = [dict(letter.headers) for letter in await records(config, "dead_letters")]
    same("offsets", wanted, [int(letter["offset"] or b"") for letter in letters])
    same("reasons", {b"too_large"}, {letter["reason"] for letter in letters})
    grown = max(sizes) - before
    if grown > CAP:
        raise Failed(f"RSS grew by {grown / 2**20:.0f} MiB")
    told = ", ".join(f"{name} {len(data):,} bytes" for name, data in bombs.items())
    return (
        f"{told}: one dead letter each; RSS at most {max(sizes) / 2**20:.0f} MiB,"
        f" {grown / 2**20:+.0f} MiB; {len(found.wanted.alerts)} ≡G"
    )


def _packed(codec: int, payload: bytes) -> bytes:
    """Make a batch of one record of what is packed already."""
    whole = bytearray(batch([Put()], payload=payload, time=now()))
    whole[22] |= codec
    return checked(bytes(whole))


def _bomb(name: str) -> bytes:
    """Pack one record of zeros, a part at a time."""
    if name == "gzip":
        pack = zlib.compressobj(wbits=31)
        return b"".join([*map(pack.compress, _record(SIZES[name])), pack.flush()])
    # Kafka takes no lz4 blocks that depend on one another.
    lz4 = name == "lz4"
    into = cramjam.lz4.Compressor(block_linked=False) if lz4 else cramjam.zstd.Compressor()
    for part in _record(SIZES[name]):
        into.compress(part)
    return bytes(into.finish())


def _record(size: int) -> Iterator[bytes]:
    start = b"\0" + varint(0) + varint(0) + varint(-1) + varint(size)
    yield varint(len(start) + size + 1) + start
    for _ in range(size // STEP):
        yield bytes(STEP)
    yield varint(0)
