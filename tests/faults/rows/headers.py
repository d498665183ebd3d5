"""Clients that write any bytes as the name of a header, as a header's value and as a key."""

from typing import Any

from broker_topics import records
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.raw import put
from faults.traffic import events, send, sent
from faults.verdicts import equal, same
from wire_format import CODECS, Put
from worker.running import WorkerProcess

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.records import UnreadableRecord

ORDER = 6.4
FAULT = (
    "a header name, a header value, a key that is not UTF-8, on `predictions`, `features`,"
    " `labels`, `outcomes`, `alerts`, `control`, `snapshots`"
)
PASSES = (
    "name: one dead letter with topic, partition, offset and the value as it came (on `control`"
    " counted and logged); value and key: read as ever; the rest ≡G, after a restart too; commands"
    " go on"
)
MODELS = 8
BAD = b"\xff\xfename"
WATCHED: tuple[TopicKind, ...] = ("predictions", "features", "labels", "outcomes")
EVENT = b'{"model_id": "odd", "prediction": 1, "features": {"a": 1}}'


async def run(site: Site) -> str:
    """Write good and bad records by turns, restart the worker, write more."""
    secret = site.folder / "secret"
    secret.write_text("correct horse battery staple 1234")
    secret.chmod(0o600)
    content = site.content(topics={"partitions": 1}, control={"secret_file": str(secret)})
    config = load(content)
    await ensure_topics(config)
    log = [
        sent(event) for event in events(site.draw.randrange(2**32), MODELS, site.size(800, 8000))
    ]
    half = len(log) // 2
    wanted: set[tuple[str, int]] = set()
    for part in (log[:half], log[half:]):
        async with WorkerProcess(site.folder, content) as worker:
            await worker.port()
            await _round(config, part, wanted)
            await _refused_and_obeyed(config, worker)
            await worker.has_counted("dead_letters_total", above=3 * len(CODECS) - 1)
            same("health", (200, "ok\n"), await worker.get("/healthz"))
            same("exit code", 0, await worker.stop())
            if "Traceback" in worker.stderr:
                raise Failed(worker.stderr[-500:])
    await finish(site, content)
    found = await equal(config, least=10)
    letters = await records(config, "dead_letters")
    told = [_place(letter) for letter in letters]
    same("places of dead letters", sorted(wanted), sorted(told))
    same("values", {EVENT}, {letter.value for letter in letters})
    await put(config, "alerts", Put(EVENT, b"k", [(BAD, b"")]))
    alerts = await records(config, "alerts")
    same("alerts that cannot be read", 1, sum(isinstance(a, UnreadableRecord) for a in alerts))
    return (
        f"{len(told)} dead letters, each once, from {len(WATCHED)} topics and {len(CODECS)} codecs;"
        f" {len(found.wanted.alerts)} alerts ≡G; 2 commands obeyed behind bad ones"
    )


async def _round(config: Config, part: list[Any], wanted: set[tuple[str, int]]) -> None:
    """Write good records with bad ones in between."""
    await send(config, part[: len(part) // 2])
    good = Put(EVENT, b"\xff\xfekey", [(b"fine", b"\xff\xfe")])
    for stream in WATCHED:
        for codec in CODECS:
            bad = Put(EVENT, b"k", [(b"fine", b"\xff"), (BAD, b"\xff")])
            puts = (good, bad, good) if stream in {"predictions", "features"} else (bad,)
            base = await put(config, stream, *puts, codec=codec)
            wanted.add((config.topics.full_name(stream), base + len(puts) // 2))
    await put(config, "snapshots", Put(b"", b"k", [(BAD, b"")]))
    await send(config, part[len(part) // 2 :])


async def _refused_and_obeyed(config: Config, worker: WorkerProcess) -> None:
    """Send a command behind a record that cannot be read."""
    before = await worker.counted("control_refused_total")
    obeyed = await worker.counted("control_commands_total")
    await put(config, "control", Put(b"", b"k", [(BAD, b"")]))
    await send_command("save", config=config)
    await worker.has_counted("control_commands_total", above=obeyed)
    same("refused", before + 1, await worker.counted("control_refused_total"))
    topic = config.topics.full_name("control")
    await worker.logged(f"{topic}-0 at offset .*is not UTF-8")


def _place(letter: Any) -> tuple[str, int]:
    headers = dict(letter.headers)
    return headers["topic"].decode(), int(headers["offset"])
