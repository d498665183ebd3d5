"""An object names a key twice."""

from collections import Counter

from faults.matrix import Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.running import watch_all

from streamproc.config.load import load

ORDER = 6.1
FAULT = "a key given twice in an object (part of the poison)"
PASSES = "each is a dead letter that names the key; the rest ≡G, state too"
MODELS, COUNT = 8, 1500
# Each with the key that its dead letter names.
KINDS = {
    b'{"model_id": "model-0", "prediction": 1, "prediction": 0.5}': "prediction",
    b'{"model_id": "model-1", "prediction": 1, "pred\\u0069ction": 0.5}': "prediction",
    b'{"model_id": "model-2", "features": {"age": 1, "age": 2}, "prediction": 1}': "age",
    b'{"model_id": "model-3", "tags": {"a": ":", "a": ":"}, "prediction": 1}': "a",
    b'{"model_id": "model-4", "prediction": {"cat": 0.5, "cat": 0.5}}': "cat",
    b'{"model_id": "model-5", "prediction": 1, "x": [{"y": {"z": 1, "z" : 1}}]}': "z",
}


async def run(site: Site) -> str:
    """Send some of each kind among others."""
    config = load(site.content(topics={"partitions": 2}))
    log: list[Sent] = []
    wanted: Counter[str] = Counter()
    for place, event in enumerate(events(site.draw.randrange(2**32), MODELS, COUNT)):
        log.append(sent(event))
        if place % 100 == 0:
            value, key = site.draw.choice(tuple(KINDS.items()))
            log.append(Sent(value, event["model_id"].encode()))
            wanted[f"duplicate_key: an object names the key {key!r} twice"] += 1
    await send(config, log)
    await watch_all(config)
    found = await equal(config, least=20)
    letters = found.found.letters.values()
    same("dead letters", wanted, Counter(f"{each.reason}: {each.detail}" for each in letters))
    return f"{wanted.total()} dead letters; {len(found.wanted.alerts)} alerts ≡G"
