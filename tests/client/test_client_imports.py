import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from streamproc.config.config import Config
from streamproc.detectors.registry import DEFAULT

WORKER_ONLY = ("aiohttp", "faust", "mode", "numba", "numpy", "river", "xxhash")
LIBRARIES = """
from typing import Annotated
import aiokafka, aiokafka.admin, msgspec, pydantic

class Model(pydantic.BaseModel):
    number: Annotated[int, pydantic.Field(ge=0)]
"""
SDK = "from streamproc.client import Alerts, ModelUpdates, Publisher"
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


def loaded(program: str) -> set[str]:
    """Return the modules that a program loads."""
    return set(run(f"{program}\nimport sys; print(*sys.modules)").stdout.split())


class Footprint(NamedTuple):
    """Resident memory and number of modules of an interpreter."""

    mebibytes: float
    modules: int


def footprint(program: str) -> Footprint:
    """Measure the interpreter that has run a program."""
    status = "next(line for line in open('/proc/self/status') if line.startswith('VmRSS'))"
    done = run(f"{program}\nimport sys; print({status}.split()[1], len(sys.modules))")
    kibibytes, modules = map(int, done.stdout.split())
    return Footprint(kibibytes / 1024, modules)


def test_the_sdk_loads_none_of_the_packages_of_the_worker() -> None:
    """A program that publishes events or reads alerts does not load the compiler of detectors."""
    modules = loaded("import streamproc.client.sync")
    packages = {name.partition(".")[0] for name in modules}

    assert "aiokafka" in packages
    assert "streamproc.detectors" not in modules
    assert packages.isdisjoint(WORKER_ONLY)


def test_the_sdk_loads_what_is_used() -> None:
    """Importing the SDK loads no library, and publishing neither the config nor the alerts."""
    nothing = loaded("import streamproc.client")
    publishing = loaded("from streamproc.client import Publisher")

    assert nothing.isdisjoint({"aiokafka", "msgspec", "pydantic"})
    assert "streamproc.client.publisher" in publishing
    assert publishing.isdisjoint({"streamproc.config", "streamproc.schemas.alerts", "yaml"})


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_the_sdk_takes_little_more_than_its_libraries() -> None:
    """All of the SDK takes 4 MiB and 60 modules at most beside aiokafka and a model of pydantic."""
    libraries, sdk = footprint(LIBRARIES), footprint(SDK)

    assert sdk.mebibytes - libraries.mebibytes < 4
    assert sdk.modules - libraries.modules < 60


def test_the_sdk_works_where_the_extra_worker_is_not_installed(tmp_path: Path) -> None:
    """A service can use the config of its workers without their packages."""
    config = tmp_path / "streamproc.yaml"
    config.write_text(
        "topics: {prefix: eu-}\nmodels: [{id: fraud, watch: [{on: '*', detectors: [adwin]}]}]\n"
    )
    absent = ABSENT.format(absent=WORKER_ONLY)
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
