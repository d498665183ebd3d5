"""What the distribution and the image of a worker hold, from a wheel that is built here."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ABSENT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from streamproc.cli.main import main
main()
"""
WORKER = ("aiohttp", "faust", "mode", "numba", "numpy", "prometheus_client", "river", "uvloop")


def let_in(path: str, rules: list[str]) -> bool:
    """Decide as Docker does: the last rule that matches a file or a folder above it counts."""
    parents = [path, *map(str, Path(path).parents)]
    found = True
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        names = parents if "**/" not in rule else [Path(each).name for each in parents]
        if any(fnmatch(name, pattern) for name in names):
            found = rule.startswith("!")
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the image from what its build gets, and unpack it."""
    source, site = (tmp_path_factory.mktemp(name) for name in ("source", "site"))
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    folders = ("detectors", "streamproc")
    for path in [*ROOT.glob("*.*"), ROOT / "LICENSE", *(ROOT / f for f in folders)]:
        for file in path.rglob("*") if path.name in folders else [path]:
            name = str(file.relative_to(ROOT))
            if (file.is_file() or file.is_symlink()) and let_in(name, rules):
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, source / name, follow_symlinks=False)
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", str(site)]
    done = subprocess.run(  # noqa: S603  # our own build
        [*command, str(source)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = site.glob("*.whl")
    with ZipFile(wheel) as content:
        content.extractall(site)
    return site


def run(site: Path, *arguments: str, absent: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Run the installed command, where some packages are missing."""
    # -S: without the hook that finds this checkout.
    paths = os.pathsep.join((str(site), sysconfig.get_path("purelib")))
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-S", "-c", ABSENT.format(absent=absent), *arguments],
        cwd=site,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def metadata(site: Path) -> str:
    """Read the metadata of the built wheel."""
    return (site / f"streamproc-{PROJECT['version']}.dist-info" / "METADATA").read_text()


def test_the_image_has_no_tools_of_developers(site: Path) -> None:
    """The demo, the benchmark and the simulations stay out of the image of the worker."""
    for folder in (
        "streamproc/tools/demo",
        "streamproc/tools/bench",
        "detectors/evaluation/calibration",
    ):
        assert (ROOT / folder).exists()
        assert not (site / folder).exists()
    assert not (site / "streamproc" / "detectors" / "evaluation" / "scoreboard").exists()
    assert (site / "streamproc" / "detectors" / "tables" / "mixture.json").exists()


@pytest.mark.parametrize(("command", "extra"), [("demo", "demo"), ("bench", "bench")])
def test_a_command_without_its_code_names_the_extra(site: Path, command: str, extra: str) -> None:
    """What the image leaves out ends with one line that says how to have it."""
    code, out, errors = run(site, command)
    assert (code, out) == (1, "")
    assert re.fullmatch(
        (
            rf"error: streamproc\.tools\.{command}\S* is not installed: pip install "
            rf"'streamproc\[{extra}\]'\n"
        ),
        errors,
    )


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("worker",), "worker"),
        (("check", str(ROOT / "configs" / "minimal.yaml")), "worker"),
        (("replay",), "worker"),
        (("broker",), "demo"),
    ],
)
def test_a_missing_package_is_one_line_and_the_pip_command(
    site: Path, arguments: tuple[str, ...], extra: str
) -> None:
    """The base distribution has no worker: its commands say what to install."""
    code, out, errors = run(site, *arguments, absent=(*WORKER, "noida_db"))
    assert (code, out) == (1, "")
    assert errors.startswith("error: ")
    assert errors.endswith(f"is not installed: pip install 'streamproc[{extra}]'\n")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("package", ["confluent_kafka", "fastavro"])
def test_a_registry_without_its_packages_names_the_extra(
    site: Path, tmp_path: Path, package: str
) -> None:
    """`check` says at which line what is missing here, and a worker does not start."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "intake:\n"
        "  - {from: {topics: [t]}, format: avro, map: {prediction: y}}\n"
        "registry: {url: 'http://registry'}\n"
    )
    missing = f"{package} is not installed: pip install 'streamproc[registry]'\n"
    code, out, errors = run(site, "check", str(file), absent=(package,))
    assert (code, errors) == (0, "")
    assert f"not on this machine: {file}:3: registry: {missing}" in out
    code, out, errors = run(site, "worker", "--config", str(file), absent=(package,))
    assert (code, out) == (1, "")
    assert errors == f"error: {missing}"


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("publish", "--help"), ("schema", "events"), ("schema", "asyncapi")],
)
def test_the_base_distribution_has_commands(site: Path, arguments: tuple[str, ...]) -> None:
    """What talks to a cluster, or only prints, needs nothing of the worker."""
    code, out, errors = run(site, *arguments, absent=(*WORKER, "noida_db", "pyarrow"))
    assert (code, errors) == (0, "")
    assert out


def test_the_metadata_is_complete(site: Path) -> None:
    """Licence, authors and addresses are in the form that package indexes read."""
    text = metadata(site)
    assert "License-Expression: Apache-2.0\nProject-URL: " in text
    assert "License-File: LICENSE\n" in text
    assert "Author: The streamproc authors\n" in text
    assert "END OF TERMS AND CONDITIONS" in (ROOT / "LICENSE").read_text()
    assert set(re.findall(r"^Provides-Extra: (\w+)", text, re.MULTILINE)) == {
        *("worker", "demo", "parquet", "xlsx", "registry", "apprise", "bench", "plots"),
    }


def test_links_of_the_readme_work_on_a_package_index(site: Path) -> None:
    """No link of the long description depends on the page that shows it."""
    description = metadata(site).partition("\n\n")[2]
    links = re.findall(r"\]\(([^)]+)\)", description)
    base = f"{PROJECT['urls']['Homepage']}/blob/v{PROJECT['version']}/"
    ours = [link.removeprefix(base).partition("#")[0] for link in links if base in link]

    assert [link for link in links if not re.match(r"https?://|#", link)] == []
    assert ours
    assert [path for path in ours if not (ROOT / path).exists()] == []
