"""The page about intake shows configurations that load."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from record_logs import run, shard

from streamproc.config.load import load
from streamproc.monitor import LogRecord

PAGE = (Path(__file__).parents[2] / "docs" / "intake.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PRESETS = Path(load.__code__.co_filename).with_name("presets")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[1].strip())
def test_every_example_loads(block: str) -> None:
    """What is shown works as it is."""
    [entry] = load(yaml.safe_load(block)).intake
    assert entry.rules


def test_every_preset_has_an_example() -> None:
    """A preset that nobody can find is of no use."""
    shown = set(re.findall(r"preset: (\w+)", PAGE))
    assert shown == {path.stem for path in PRESETS.glob("*.yaml")}


class Producer:
    """A producer that keeps its records."""

    def __init__(self) -> None:
        self.sent: list[LogRecord] = []

    def send(self, topic: str, *, key: bytes, value: bytes, headers: Any) -> None:
        """Keep a record."""
        assert topic == "predictions"
        self.sent.append(LogRecord(len(self.sent), value, 0, key, headers))


def test_the_example_of_arrow_is_read() -> None:
    """The script of the page writes a record whose rows are events."""
    [script] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    producer = Producer()
    exec(script, {"producer": producer})  # noqa: S102  ours
    outcome = run(shard(), producer.sent)
    assert (outcome.events, outcome.dead_letters) == (2, [])
