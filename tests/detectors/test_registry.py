import ast
import inspect
import sys
from pathlib import Path

import pytest

from streamproc import detectors
from streamproc.detectors import registry
from streamproc.detectors.errors import DetectorError, ParameterError, UnknownDetectorError


def test_names_are_those_of_the_config() -> None:
    """A config can name adwin and page_hinkley, and they are listed first."""
    assert registry.names()[:2] == ("adwin", "page_hinkley")
    assert registry.get("adwin").detector is detectors.ADWIN


def test_an_unknown_name_lists_those_that_exist() -> None:
    """An unknown detector is refused with a list of those that exist."""
    with pytest.raises(UnknownDetectorError, match=r"'nope'.*adwin, page_hinkley"):
        registry.get("nope")


@pytest.mark.parametrize("name", registry.names())
def test_schemas_are_those_of_the_classes(name: str) -> None:
    """Names and defaults of the schema are those of both classes' signatures, but for `arl`."""
    entry = registry.get(name)
    for build in (entry.detector, entry.bank):
        signature = inspect.signature(build).parameters
        defaults = {key: p.default for key, p in signature.items() if key not in {"size", "arl"}}
        assert defaults == {key: param.default for key, param in entry.params.items()}


@pytest.mark.parametrize("name", registry.names())
def test_monitoring_is_complete_and_valid(name: str) -> None:
    """The defaults for standardised series name every parameter, within its range."""
    entry = registry.get(name)
    named = {key: value for key, value in entry.monitoring.items() if key != "arl"}
    assert named.keys() == entry.params.keys()
    assert registry.resolve(name, named) == named
    assert registry.resolve(name, {}).keys() == named.keys()
    assert all(param.description for param in entry.params.values())


def test_resolve_completes_and_converts() -> None:
    """What is given replaces the default, an int counts for a float, the rest stays."""
    resolved = registry.resolve("page_hinkley", {"threshold": 20, "mode": "up"})
    assert resolved["threshold"] == 20.0
    assert isinstance(resolved["threshold"], float)
    assert resolved == dict(registry.get("page_hinkley").monitoring) | {
        "threshold": 20.0,
        "mode": "up",
    }


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("adwin", {"delta": 1}, r"adwin\.delta: expected float in \(0, 1\), got 1"),
        ("adwin", {"clock": 0}, r"adwin\.clock: expected int in \[1, 1e\+06\], got 0"),
        ("adwin", {"clock": 1.5}, r"adwin\.clock: .* got 1.5"),
        ("adwin", {"clock": True}, r"adwin\.clock: .* got True"),
        ("page_hinkley", {"mode": "left"}, r"page_hinkley\.mode: expected one of both, up, down"),
        ("page_hinkley", {"threshold": "20"}, r"page_hinkley\.threshold: .* got '20'"),
        ("page_hinkley", {"delta": float("nan")}, r"page_hinkley\.delta: .*inf\), got nan"),
        ("page_hinkley", {"lambda": 1}, r"page_hinkley\.lambda: unknown; .* min_instances, delta"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, params: dict[str, object], message: str) -> None:
    """A wrong parameter is refused with its name, what is allowed and what was given."""
    with pytest.raises(ParameterError, match=message):
        registry.resolve(name, params)


def test_every_error_is_a_detector_error() -> None:
    """Whoever catches DetectorError catches all that this package raises on purpose."""
    errors = vars(detectors.errors).values()
    assert all(issubclass(e, DetectorError) for e in errors if isinstance(e, type))


COMMANDS = {"calibration": {"rich"}, "scoreboard": {"rich", "river", "matplotlib"}}
"""What only those who run a command need, by its folder."""


def test_the_package_needs_numpy_and_numba_alone() -> None:
    """No module but commands imports more than numpy and numba."""
    root = Path(detectors.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                allowed = {"streamproc", "numpy", "numba", "llvmlite", *sys.stdlib_module_names}
                command = top in COMMANDS.get(path.parent.name, ())
                assert top in allowed or command, f"{path.name} imports {name}"
