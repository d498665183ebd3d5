"""Examples in docstrings."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("streamproc", "detectors")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text() and "streamproc/detectors" not in path.as_posix()
]


@pytest.mark.parametrize("module", MODULES)
def test_every_example_gives_what_it_shows(module: str) -> None:
    """The examples in the docstrings of a module run, and print what is written there."""
    name = module.removesuffix(".__init__")
    if name.startswith("detectors"):
        name = f"streamproc.{name}"
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
