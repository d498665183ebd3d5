import os
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
# What a package may import of ours, besides itself. Any other of our modules is a mistake.
_BASE = {
    *("streamproc.schemas", "streamproc.config", "streamproc.errors", "streamproc.detectors"),
}
_STAGES = {"streamproc.decode", "streamproc.detect", "streamproc.alerting", "streamproc.state"}
ALLOWED = {
    "streamproc.schemas": {"streamproc.errors"},
    "streamproc.config": {
        "streamproc.detectors.errors", "streamproc.detectors.registry",
        "streamproc.schemas", "streamproc.errors",
    },
    "streamproc.control": {"streamproc.schemas", "streamproc.errors"},
    "streamproc.incidents": {
        "streamproc.config.escalate", "streamproc.config.inhibit",
        "streamproc.config.maintenance", "streamproc.config.matchers",
        "streamproc.config.route_tree", "streamproc.config.routes", "streamproc.config.sink",
        "streamproc.control", "streamproc.schemas",
    },
    # rows of a record of Arrow are those of a table
    "streamproc.decode": {*_BASE, "streamproc.tabular.data_frame", "streamproc.tabular.errors"},
    "streamproc.join": {*_BASE, "streamproc.decode"},
    "streamproc.intake": {*_BASE, "streamproc.decode", "streamproc.join"},
    "streamproc.detect": {*_BASE, "streamproc.decode"},
    "streamproc.state": {*_BASE, "streamproc.decode"},
    "streamproc.alerting": {*_BASE, *_STAGES, "streamproc.join"},
    "streamproc.performance": {*_BASE, *_STAGES},
    "streamproc.online": {
        *(*_BASE, "streamproc.decode", "streamproc.alerting", "streamproc.performance")
    },
    "streamproc.pipeline": {*_BASE, *_STAGES, "streamproc.join", "streamproc.performance"},
}  # fmt: skip
LAYERS = (
    "cli", "tools", "worker", "broker", "client", "driver", "registry", "sinks", "pipeline",
    "online", "performance", "alerting", "detect", "intake", "join", "state", "decode", "incidents",
    "control", "kafka", "tabular", "config", "schemas", "detectors",
)  # fmt: skip
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PURE_DETECTORS = {
    module.removeprefix("streamproc.detectors.")
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
    if contract["name"] == "the core is pure"
    for module in contract["source_modules"]
    if module.startswith("streamproc.detectors.")
}
LINT = "import sys; from importlinter.cli import lint_imports_command as lint; lint()"


def _foreign(graph: grimp.ImportGraph, package: str, allowed: set[str]) -> list[str]:
    """Return the imports of our own modules that a package must not make."""
    homes = {*allowed, package}
    ours = graph.find_descendants(package) | {package}
    return sorted(
        f"{importer} imports {imported}"
        for importer in ours
        for imported in graph.find_modules_directly_imported_by(importer)
        if not any(imported == home or imported.startswith(f"{home}.") for home in homes)
    )


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a folder's packages against the contracts of our pyproject.toml."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(  # noqa: S603  our own interpreter
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def _sample(folder: Path) -> None:
    """Make packages of our names and layers that import nothing."""
    for layer in LAYERS:
        (folder / "streamproc" / layer).mkdir(parents=True)
        (folder / "streamproc" / layer / "__init__.py").touch()
    (folder / "streamproc" / "__init__.py").touch()
    for name in ("one", "two", "evaluation", *PURE_DETECTORS):
        (folder / "streamproc" / "detectors" / f"{name}.py").touch()


def test_the_contracts_hold() -> None:
    """Every import of this project goes the way that pyproject.toml allows."""
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_detectors_are_pure() -> None:
    """A module or package added to `detectors/` is pure, unless it measures detectors."""
    found = {path.stem for path in (ROOT / "detectors").glob("[!_.]*") if path.name != "py.typed"}
    assert found - {"tables", "evaluation"} == PURE_DETECTORS


@pytest.mark.parametrize("package", ALLOWED)
def test_only_allowed_imports(package: str) -> None:
    """The pure packages import nothing of ours but what is listed here."""
    graph = grimp.build_graph("streamproc", cache_dir=None)
    assert _foreign(graph, package, ALLOWED[package]) == []


def test_an_innocent_sample_passes(tmp_path: Path) -> None:
    """Packages without a wrong import satisfy all contracts."""
    _sample(tmp_path)
    done = _lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("streamproc/detectors/one", "import streamproc.schemas", "each layer"),
        ("streamproc/detectors/bank", "import time", "the core is pure"),
        ("streamproc/detectors/bank", "import streamproc.detectors.evaluation", "the core"),
        ("streamproc/decode/__init__", "import asyncio", "the core is pure"),
        ("streamproc/pipeline/__init__", "from faust import App", "the core is pure"),
        ("streamproc/config/__init__", "import random", "the core is pure"),
        ("streamproc/schemas/__init__", "import streamproc.config", "each layer"),
        ("streamproc/kafka/__init__", "import streamproc.decode", "each layer"),
        ("streamproc/decode/__init__", "import streamproc.alerting", "each layer"),
        ("streamproc/alerting/__init__", "import streamproc.performance", "each layer"),
        ("streamproc/worker/__init__", "import streamproc.cli", "each layer"),
        ("streamproc/unplaced", "", "each layer"),
    ],
)
def test_the_contracts_find(module: str, line: str, contract: str, tmp_path: Path) -> None:
    """A sample with this one wrong line fails, and the contract that it breaks is named."""
    _sample(tmp_path)
    (tmp_path / f"{module}.py").write_text(f"{line}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1
    broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    assert [text for text in broken if text.startswith(contract)], done.stdout


@pytest.mark.parametrize("package", ["streamproc/detectors", "streamproc"])
def test_the_contracts_find_circles(package: str, tmp_path: Path) -> None:
    """Two modules that import each other fail."""
    _sample(tmp_path)
    one, two = ("worker", "client") if package == "streamproc" else ("one", "two")
    inside = "/__init__" if package == "streamproc" else ""
    name = package.replace("/", ".")
    (tmp_path / package / f"{one}{inside}.py").write_text(f"import {name}.{two}\n")
    (tmp_path / package / f"{two}{inside}.py").write_text(f"import {name}.{one}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert "no circles BROKEN" in " ".join(done.stdout.split())


def test_the_list_of_allowed_imports_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract that imports a detector's algorithm is reported with both names."""
    _sample(tmp_path)
    (tmp_path / "streamproc/config/__init__.py").write_text("import streamproc.detectors.one\n")
    graph = _graph_of(tmp_path, monkeypatch)
    assert _foreign(graph, "streamproc.config", {"streamproc.detectors.registry"}) == [
        "streamproc.config imports streamproc.detectors.one"
    ]
    assert _foreign(graph, "streamproc.config", {"streamproc.detectors"}) == []


def _graph_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> grimp.ImportGraph:
    # grimp finds packages as imports do, so ours have to be forgotten for the sample's sake.
    with monkeypatch.context() as patch:
        patch.syspath_prepend(folder)
        for name in [name for name in sys.modules if name.split(".")[0] == "streamproc"]:
            patch.delitem(sys.modules, name)
        return grimp.build_graph("streamproc", cache_dir=None)
