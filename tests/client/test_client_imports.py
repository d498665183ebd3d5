import subprocess
import sys
from pathlib import Path

import pytest

from detectors.registry import DEFAULT
from streamproc.config.config import Config

WORKER_ONLY = ("aiohttp", "detectors", "faust", "mode", "numba", "numpy", "river", "xxhash")
ABSENT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own."""
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_sdk_loads_none_of_the_packages_of_the_worker() -> None:
    """A program that publishes events or reads alerts does not load the compiler of detectors."""
    done = run("import sys, streamproc.client.sync; print(*sys.modules)")
    loaded = {name.partition(".")[0] for name in done.stdout.split()}

    assert "aiokafka" in loaded
    assert loaded.isdisjoint(WORKER_ONLY)


def test_the_sdk_works_where_the_extra_worker_is_not_installed(tmp_path: Path) -> None:
    """A service can use the config of its workers without their packages."""
    config = tmp_path / "streamproc.yaml"
    config.write_text(
        "topics: {prefix: eu-}\nmodels: [{id: fraud, watch: [{on: '*', detectors: [adwin]}]}]\n"
    )
    absent = ABSENT.format(absent=tuple(name for name in WORKER_ONLY if name != "detectors"))
    done = run(
        f"{absent}\nfrom streamproc.client import Alerts, Publisher\n"
        f"Publisher(config={str(config)!r})\nAlerts(config={str(config)!r})"
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_config_with_detectors_names_the_missing_extra(tmp_path: Path) -> None:
    """Without the worker's packages its detectors cannot be checked: the error says what to do."""
    config = tmp_path / "streamproc.yaml"
    config.write_text("models: [{id: fraud, watch: [{on: '*', detectors: [adwin]}]}]\n")
    absent = ABSENT.format(absent=("numba", "numpy"))
    done = run(f"{absent}\nfrom streamproc.config.load import load\nload({str(config)!r})")

    last = done.stderr.splitlines()[-1]
    assert last.startswith("streamproc.errors.MissingExtraError: ")
    assert last.endswith(" is not installed: pip install 'streamproc[worker]'")


@pytest.mark.parametrize("model", ["fraud", "any-other"])
def test_the_default_detectors_of_the_config_are_those_of_the_registry(model: str) -> None:
    """What the contract watches with is the default that the scoreboard chose."""
    specs = Config().model(model).detectors("feature:amount")

    assert tuple(spec.name for spec in specs) == DEFAULT
