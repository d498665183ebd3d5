"""The page about intake shows configurations that load."""

import re
from pathlib import Path

import pytest
import yaml

from streamproc.config.load import load

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
