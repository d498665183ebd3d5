"""River's ADWIN and Page-Hinkley on every series, in a dictionary."""

import json
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from river import drift

__all__ = ["Pairs", "dumps", "loads", "pair"]

loads: Callable[[bytes], Any]
dumps: Callable[[dict[str, Any]], bytes]

if find_spec("orjson"):  # a user who cares for speed has it
    import orjson

    loads, dumps = orjson.loads, orjson.dumps
else:
    loads, dumps = json.loads, lambda value: json.dumps(value).encode()


def pair() -> tuple[Any, Any]:
    """Make ADWIN and Page-Hinkley with River's defaults."""
    river: Any = drift  # its detectors are not typed
    return river.ADWIN(), river.PageHinkley()


class Pairs:
    """A pair of River's detectors, with River's defaults, for each series of each model."""

    def __init__(self) -> None:
        self._pairs: defaultdict[tuple[str, str], tuple[Any, Any]] = defaultdict(pair)

    def alarms(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Feed one event; return an alert for each detector that alarms."""
        found = []
        model = event["model_id"]
        for series, value in (*event["features"].items(), ("prediction", event["prediction"])):
            for detector in self._pairs[model, series]:
                detector.update(value)
                if detector.drift_detected:
                    found.append(
                        {
                            "model_id": model,
                            "series": series,
                            "detector": type(detector).__name__,
                            "event_id": event["event_id"],
                            "ts": event["ts"],
                        }
                    )
        return found
