"""River's detectors that a config may name as `river:<class>`, and their parameters here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamproc.detectors.binary import ddm, eddm, fhddm, hddm_a, hddm_w
from streamproc.detectors.mean import adwin, page_hinkley
from streamproc.detectors.runtime.params import Param, Value
from streamproc.detectors.spec import Family

Given = dict[str, Any]

_SEED = Param("seed", 1, "of its random numbers, the same for every series", low=0, high=2**32 - 1)
_KSWIN = (
    Param("alpha", 0.005, "level of the test that alarms", low=0.0, high=1.0),
    Param("window_size", 100, "values of the window", low=1, high=100_000),
    Param("stat_size", 30, "values of it that count as recent", low=1, high=100_000),
    _SEED,
)
_DUMMY = (
    Param("trigger_method", "fixed", "how it alarms", choices=("fixed", "random")),
    Param("t_0", 300, "values between alarms", low=1, high=1_000_000_000),
    Param("w", 0, "spread of the first alarm, or of all if random", low=0, high=1_000_000_000),
    _SEED,
)


def _same(given: Mapping[str, Value]) -> Given:
    return dict(given)


def _windows(given: Mapping[str, Value]) -> Given:
    return dict(given) | {"short_window_size": given["short_window_size"] or None}


def _sides(given: Mapping[str, Value]) -> Given:
    others = {name: value for name, value in given.items() if name != "mode"}
    return others | {"two_sided_test": given["mode"] == "both"}


@dataclass(frozen=True, slots=True)
class RiverClass:
    """A class of River and how to build it.

    Attributes
    ----------
    module
        Where River has it.
    family
        What it looks at.
    params
        Its parameters, under our names.
    translated
        Our parameters → River's.
    successes
        Whether it counts successes, so that errors are handed over as `1 - x`.
    """

    module: str
    family: Family
    params: tuple[Param, ...]
    translated: Callable[[Mapping[str, Value]], Given] = _same
    successes: bool = False


_DRIFT, _BINARY = "river.drift", "river.drift.binary"

CLASSES: dict[str, RiverClass] = {
    "ADWIN": RiverClass(_DRIFT, "mean", tuple(p for p in adwin.PARAMS if p.name != "after")),
    "DDM": RiverClass(_BINARY, "error", ddm.PARAMS),
    "DummyDriftDetector": RiverClass(_DRIFT, "mean", _DUMMY),
    "EDDM": RiverClass(_BINARY, "error", eddm.PARAMS),
    "FHDDM": RiverClass(_BINARY, "error", fhddm.PARAMS, _windows, successes=True),
    "HDDMA": RiverClass(_BINARY, "error", hddm_a.PARAMS, _sides),
    "HDDMW": RiverClass(_BINARY, "error", hddm_w.PARAMS, _sides),
    "KSWIN": RiverClass(_DRIFT, "distribution", _KSWIN),
    "PageHinkley": RiverClass(_DRIFT, "mean", page_hinkley.PARAMS),
}
