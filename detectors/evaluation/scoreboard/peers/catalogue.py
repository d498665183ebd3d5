"""Which detectors of which peers take part, and the parameter that sets their run length."""

from collections.abc import Mapping
from dataclasses import dataclass

REQUIREMENTS = {
    "frouros": "frouros==0.9.0",
    "menelaus": "menelaus==0.2.0",
    "capymoa": "capymoa==0.15.1",
}
"""Peer → what `--install-peers` installs; CapyMOA needs Java 17 as well."""
LIBRARIES = {"frouros": "Frouros", "menelaus": "Menelaus", "capymoa": "CapyMOA"}
LABELS = {"frouros": "Frouros", "menelaus": "Menelaus", "capymoa": "MOA"}
"""Peers as printed, and whose their detectors are: those of CapyMOA are MOA's."""


@dataclass(frozen=True, slots=True)
class Knob:
    """The parameter that trades false alarms for delay.

    Attributes
    ----------
    name
        Of the parameter.
    loose, strict
        Values between which its calibration looks.
    tied
        A parameter that keeps its ratio to this one, as in the library's defaults:
        its name and the ratio; that which warns must not be beyond that which alarms.
    """

    name: str
    loose: float
    strict: float
    tied: tuple[str, float] | None = None

    def turned(self, value: float) -> dict[str, float]:
        """Give the arguments for a value of the knob."""
        found = {self.name: value}
        if self.tied:
            found[self.tied[0]] = value * self.tied[1]
        return found


@dataclass(frozen=True, slots=True)
class Theirs:
    """A detector of a peer.

    Attributes
    ----------
    peer, name
        The library and its class.
    ours
        Our detector of the same name, empty: none.
    family
        `mean`: takes any values; `error`: 0 and 1 alone.
    knob
        None: nothing in it sets a run length, so that it has its cost alone.
    both
        Whether it looks for falls as well as for rises.
    slow
        Whether a value, or a new one of it, takes so long that it has its cost alone.
    """

    peer: str
    name: str
    ours: str
    family: str
    knob: Knob | None = None
    both: bool = False
    slow: bool = False

    @property
    def label(self) -> str:
        """As printed."""
        return f"{LABELS[self.peer]} {self.name}"

    def params(self, value: float | None) -> Mapping[str, float]:
        """Arguments for a value of the knob; None: the library's own."""
        return self.knob.turned(value) if self.knob and value is not None else {}


def _level(name: str, warning: tuple[str, float] | None = None) -> Knob:
    return Knob(name, 0.5, 12.0, warning)


def _moa(name: str, warning: float) -> Knob:
    """MOA takes levels of 1 to 5 alone."""
    return Knob(name, 1.5, 5.0, ("warning_level", warning))


def _tail(name: str, warning: tuple[str, float] | None = None) -> Knob:
    return Knob(name, 0.05, 1e-12, warning)


CATALOGUE: tuple[Theirs, ...] = (
    Theirs("frouros", "ADWIN", "adwin", "mean", Knob("delta", 0.99, 1e-12), slow=True),
    Theirs("frouros", "BOCD", "bocpd", "mean", slow=True),
    Theirs("frouros", "CUSUM", "cusum", "mean", Knob("lambda_", 0.3, 3000.0)),
    Theirs("frouros", "GeometricMovingAverage", "gma", "mean", Knob("lambda_", 0.01, 3.0)),
    Theirs("frouros", "KSWIN", "kswin", "mean", _tail("alpha"), slow=True),
    Theirs("frouros", "PageHinkley", "page_hinkley", "mean", Knob("lambda_", 0.3, 3000.0)),
    Theirs("frouros", "DDM", "ddm", "error", _level("drift_level", ("warning_level", 2 / 3))),
    Theirs("frouros", "ECDDWT", "ecdd", "error"),
    Theirs("frouros", "EDDM", "eddm", "error", Knob("beta", 0.94, 0.2, ("alpha", 0.95 / 0.9))),
    Theirs("frouros", "HDDMA", "hddm_a", "error", _tail("alpha_d", ("alpha_w", 5.0))),
    Theirs("frouros", "HDDMW", "hddm_w", "error", _tail("alpha_d", ("alpha_w", 5.0))),
    Theirs(
        "frouros", "RDDM", "rddm", "error", _level("drift_level", ("warning_level", 1.773 / 2.258))
    ),
    Theirs("frouros", "STEPD", "stepd", "error", _tail("alpha_d", ("alpha_w", 50 / 3)), slow=True),
    Theirs("menelaus", "ADWIN", "adwin", "mean", Knob("delta", 0.99, 1e-12), both=True),
    Theirs("menelaus", "CUSUM", "cusum", "mean", Knob("threshold", 0.3, 3000.0), both=True),
    Theirs("menelaus", "PageHinkley", "page_hinkley", "mean", Knob("threshold", 0.3, 3000.0)),
    Theirs("menelaus", "DDM", "ddm", "error", _level("drift_scale", ("warning_scale", 2 / 3))),
    Theirs("menelaus", "EDDM", "eddm", "error", Knob("drift_thresh", 0.94, 0.2)),
    Theirs("menelaus", "STEPD", "stepd", "error", _tail("alpha_drift"), slow=True),
    Theirs("capymoa", "ADWIN", "adwin", "mean", Knob("delta", 0.99, 1e-12), both=True),
    Theirs("capymoa", "CUSUM", "cusum", "mean", Knob("lambda_", 0.3, 3000.0)),
    Theirs("capymoa", "GeometricMovingAverage", "gma", "mean", Knob("lambda_", 0.01, 3.0)),
    Theirs("capymoa", "OPTWIN", "", "mean", slow=True),  # each new one computes its tables
    Theirs("capymoa", "PageHinkley", "page_hinkley", "mean", Knob("lambda_", 0.3, 3000.0)),
    Theirs("capymoa", "SEED", "seed", "mean", Knob("delta", 0.99, 1e-12), both=True),
    Theirs("capymoa", "DDM", "ddm", "error", _moa("out_control_level", 2 / 3)),
    Theirs("capymoa", "EDDM", "eddm", "error"),
    Theirs("capymoa", "EWMAChart", "ecdd", "error"),
    Theirs("capymoa", "HDDMAverage", "hddm_a", "error", _tail("drift_confidence"), both=True),
    Theirs("capymoa", "HDDMWeighted", "hddm_w", "error", _tail("drift_confidence"), both=True),
    Theirs("capymoa", "RDDM", "rddm", "error", _moa("drift_level", 1.773 / 2.258)),
    Theirs("capymoa", "STEPD", "stepd", "error", _tail("alpha_drift"), both=True),
)
"""All that watch one stream of numbers and learn no model."""
