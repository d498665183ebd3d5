"""An object names a key twice."""

from faults.judging import equal, same
from faults.matrix import Differs, Site
from faults.traffic import Sent, events, send, sent
from worker.running import watch_all

from streamproc.contract.load import load

ORDER = 6.1
FAULT = "a key given twice in an object (part of the poison)"
PASSES = "each is a dead letter"
MODELS = 4


async def run(site: Site) -> str:
    """Send some among others, and see what becomes of them."""
    config = load(site.said(topics={"partitions": 1}))
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1000)]
    twice = b'{"model_id": "model-0", "prediction": 1, "prediction": 0.5}'
    await send(config, [*log, *[Sent(twice, b"model-0")] * 10])
    await watch_all(config)
    found = await equal(config)
    same("dead letters", 0, len(found.found.letters))
    raise Differs(
        "by decision the last value counts, as in nearly every reader of JSON: to see that a key"
        " came before would cost 4 µs an event, two thirds of what a worker needs for all; ≡G"
    )
