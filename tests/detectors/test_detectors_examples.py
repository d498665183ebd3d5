import doctest
import importlib
import pkgutil

import pytest

from streamproc import detectors

PREFIX = "streamproc.detectors."
MODULES = [module.name for module in pkgutil.walk_packages(detectors.__path__, PREFIX)]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_hold(name: str) -> None:
    """Every example in the docstrings gives what it says."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
