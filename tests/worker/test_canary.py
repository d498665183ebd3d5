"""What would run, if anything ran what strangers write, would leave a file behind: the canary."""

import pickle
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from broker_topics import records
from worker.running import idle, own_config, publish, read_alerts, total, worker_of
from worker.scenarios import payloads, story

from streamproc.broker import EmbeddedBroker
from streamproc.client import ModelUpdates
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import KINDS
from streamproc.decode.event_schema import Topic
from streamproc.errors import ConfigError
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.online import serialization
from streamproc.online.serialization import GraphError
from streamproc.worker.online.state import PartitionModelsCodec
from streamproc.worker.snapshots.records import MANIFEST, Key

TRAP = "trap_of_the_canary_test"
PUT = 4  # records on each topic that are no events
LINEAR = "linear_model.LogisticRegression"


class Bomb:
    """Makes the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.write_text, (self._canary, "it ran")


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the file; a module that can be imported makes it, too."""
    canary = tmp_path / "canary"
    write = f"from pathlib import Path\nPath({str(canary)!r}).write_text('imported')\n"
    (tmp_path / f"{TRAP}.py").write_text(f"{write}class Trap: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, TRAP, raising=False)
    return canary


def test_the_traps_work(canary: Path) -> None:
    """Whoever imports the module or reads the pickle makes the file: without it nobody did."""
    pickle.loads(pickle.dumps(Bomb(canary)))  # noqa: S301
    assert canary.read_text() == "it ran"
    canary.unlink()
    __import__(TRAP)
    assert canary.read_text() == "imported"


NAMES = (
    f"{TRAP}.Trap", f"{TRAP}:Trap", f"river:{TRAP}.Trap", f"river:drift.{TRAP}", "os.system",
    "river:builtins.eval", "river:..builtins.eval", "river:drift.binary.__init__", "builtins.exec",
    "river:os.system", "river:drift.ADWIN.__class__", "__import__", "streamproc.detectors.registry",
    f"../{TRAP}", "adwin.__init__", "river:", "",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_only_registered_names_are_detectors(canary: Path, name: str) -> None:
    """A dotted path as detector is refused by its name, and nothing is imported for it."""
    for spec in (name, {name: {"path": str(canary)}}):
        with pytest.raises(ConfigError, match="detectors"):
            load({"models": [{"id": "*", "watch": [{"on": "*", "detectors": [spec]}]}]})
    assert not canary.exists()


PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "model": lambda spec: {"model": spec},
    "step": lambda spec: {"model": [spec, LINEAR]},
    "parameter": lambda spec: {"model": {LINEAR: {"optimizer": spec}}},
    "loss": lambda spec: {"model": {LINEAR: {"loss": spec}}},
    "nested": lambda spec: {"model": {"ensemble.BaggingClassifier": {"model": spec}}},
    "challenger": lambda spec: {"model": LINEAR, "challengers": [spec]},
    "detector": lambda spec: {"model": LINEAR, "detectors": [spec]},
    "warning": lambda spec: {"model": LINEAR, "on_drift": "replace", "warning": [spec]},
    "detector's parameter": lambda spec: {"model": LINEAR, "detectors": [{"ddm": {"x": spec}}]},
    "its value": lambda spec: {"model": LINEAR, "detectors": [{"ddm": {"warm_start": spec}}]},
}


@pytest.mark.parametrize("name", [name for name in NAMES if "." in name or ":" in name])
@pytest.mark.parametrize("place", PLACES)
def test_only_listed_names_are_parts_of_models(canary: Path, place: str, name: str) -> None:
    """A dotted path anywhere in an online model is refused before anything is imported for it."""
    for spec in (name, {name: {"path": str(canary)}}):
        with pytest.raises(ConfigError, match="online"):
            load({"models": [{"id": "*", "online": PLACES[place](spec)}]})
    assert TRAP not in sys.modules
    assert not canary.exists()


@pytest.mark.parametrize(
    "node",
    [
        ["name", f"{TRAP}:Trap"],
        ["name", "builtins:eval"],
        ["object", f"{TRAP}:Trap"],
        ["native", f"{TRAP}:Trap", [], None],
        ["native", "os:system", [1], None],
        ["partial", [1], [2], [3]],
        ["method", [1], "__reduce__"],
    ],
)
def test_no_state_of_a_model_runs_anything(canary: Path, node: list[Any]) -> None:
    """The state of an online model that names what is not on the list is refused, not imported."""
    rest = [["name", "os:system"], ["tuple", f"touch {canary}"], ["dict"]]
    with pytest.raises(GraphError):
        serialization.load(msgspec.msgpack.encode([node, *rest]))
    with pytest.raises(GraphError):
        serialization.load(pickle.dumps(Bomb(canary)))
    assert TRAP not in sys.modules
    assert not canary.exists()


@pytest.mark.parametrize(
    "text",
    [
        "group: !!python/object/apply:pathlib.Path.write_text [{canary}, x]",
        "group: !!python/name:os.system",
        f"group: !!python/module:{TRAP}",
        f"group: !!python/object/new:{TRAP}.Trap []",
        "? !!python/object/apply:os.system ['touch {canary}']\n: 1",
        "models: [{{id: '*', online: {{model: [os.system, builtins.eval]}}}}]",
        f"models: [{{{{id: '*', online: {{{{model: {TRAP}.Trap}}}}}}}}]",
        f"models: [{{{{id: '*', online: {{{{model: [{{{{{TRAP}.Trap: {{{{}}}}}}}}]}}}}}}}}]",
    ],
)
def test_no_configuration_runs_anything(canary: Path, text: str) -> None:
    """Tags and names of Python in a configuration are refused, and nothing of them is run."""
    file = canary.with_name("config.yaml")
    file.write_text(text.format(canary=canary))
    with pytest.raises(ConfigError):
        load(file)
    assert not canary.exists()


def test_the_texts_are_yaml(canary: Path) -> None:
    """What is refused above is refused for what it asks for: PyYAML's unsafe loader obeys it."""
    text = f"group: !!python/module:{TRAP}"
    yaml.load(text, Loader=yaml.UnsafeLoader)  # noqa: S506
    assert canary.exists()


async def _strew(config: Config, bomb: bytes) -> None:
    """Put a pickle on every topic, as value, as key and as header, and in a snapshot's place."""
    async with open_producer(config) as producer:
        headers = [("content-type", b"application/python-pickle"), ("reason", bomb)]
        for kind in config.kinds:
            topic = config.topics.full_name(kind)
            for value in (bomb, b'{"py/object": "os.system"}'):
                await producer.send_and_wait(topic, value, key=bomb, headers=headers, partition=0)
                await producer.send_and_wait(topic, value, key=b"x", partition=0)
        for kind in ("predictions", "features", "outcomes", f"outcomes{PartitionModelsCodec.kind}"):
            topic, sign, models = kind.partition("#")
            source = config.topics.full_name(topic) + sign + models
            for part in (0, MANIFEST):
                key = Key(config.group, source, 0, 1, "me", 0, part).pack()
                topic = config.topics.full_name("snapshots")
                await producer.send_and_wait(topic, bomb, key=key, partition=0)


async def test_pickles_are_bytes_like_any_other(
    embedded_broker: EmbeddedBroker, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pickles on every topic are dead letters or refused: none is read, and the worker goes on."""
    monkeypatch.setenv("CONTROL", "correct horse battery staple 1234")
    config = own_config(
        embedded_broker.bootstrap,
        topics={"partitions": 1},
        control={"secret_env": "CONTROL"},
        models=[{"id": "*", "online": {"model": LINEAR}}],
    )
    assert set(config.kinds) == set(KINDS)
    await ensure_topics(config)
    await _strew(config, pickle.dumps(Bomb(canary)))
    await publish(config, story())
    async with worker_of(config) as (worker, registry):
        await idle(worker)
        assert worker.failure is None
        assert total(registry, "recoveries_total", outcome="refused") == 0
        assert total(registry, "dead_letters_total") == PUT * len(Topic)
        assert total(registry, "events_total") > 1000
    letters = Counter(
        dict(letter.headers).get("topic", b"").decode()
        for letter in await records(config, "dead_letters")
    )
    for kind in Topic:
        assert letters[config.topics.full_name(kind.value)] == PUT
    # Labels that are none are the dead letters of their join.
    assert letters[config.topics.full_name("labels")] == PUT
    assert payloads(await read_alerts(config))
    async with ModelUpdates(config=config, follow=False) as updates:
        assert [update async for update in updates] == []
    assert TRAP not in sys.modules
    assert not canary.exists()  # noqa: ASYNC240  nothing waits for this loop
