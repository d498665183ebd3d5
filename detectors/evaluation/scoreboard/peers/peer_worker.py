"""Runs in a peer's own environment, of which it needs numpy and the peer alone.

`python peer_worker.py frouros` writes one line of JSON when it is ready, then answers
each line that it reads. A request is `{"detector", "params", "series", "first",
"most"}`: a class of the library and its arguments, a `.npy` file of (series, time),
whether a series ends at its first alarm, and the number of alarms, over all series,
after which nothing more is read. The answer has `alarms`, the rows at
which each series alarms, `values`, how many were read, and `seconds` of processor
time; or `error`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

Step = Callable[[float], bool]
"""A value → whether the detector alarms."""


def frouros(name: str, params: dict[str, Any]) -> Step:
    """Frouros: the caller resets after an alarm."""
    module = import_module("frouros.detectors.concept_drift")
    detector = getattr(module, name)(config=getattr(module, name + "Config")(**params))
    right = name == "STEPD"  # it is fed 1 for a right answer

    def step(value: float) -> bool:
        detector.update(value=1.0 - value if right else value)
        alarmed = bool(detector.drift)
        if alarmed:
            detector.reset()
        return alarmed

    return step


def menelaus(name: str, params: dict[str, Any]) -> Step:
    """Menelaus: detectors reset themselves; those of errors compare two labels."""
    values = import_module("menelaus.change_detection")
    if hasattr(values, name):
        detector = getattr(values, name)(**params)

        def step(value: float) -> bool:
            detector.update(X=value)
            return bool(detector.drift_state == "drift")

        return step
    of_errors = getattr(import_module("menelaus.concept_drift"), name)(**params)

    def compare(value: float) -> bool:
        of_errors.update(y_true=0, y_pred=int(value))
        return bool(of_errors.drift_state == "drift")

    return compare


def capymoa(name: str, params: dict[str, Any]) -> Step:
    """CapyMOA: MOA's detectors reset themselves; asked without its Python lists of all values."""
    detector = getattr(import_module("capymoa.drift.detectors"), name)(**params)
    if not hasattr(detector, "moa_detector"):

        def add(value: float) -> bool:
            detector.add_element(value)
            return bool(detector.detected_change())

        return add
    feed, changed = detector.moa_detector.input, detector.moa_detector.getChange

    def step(value: float) -> bool:
        feed(value)
        return bool(changed())

    return step


BUILDERS = {"frouros": frouros, "menelaus": menelaus, "capymoa": capymoa}
IMPORTED = {
    "frouros": "frouros.detectors.concept_drift",
    "menelaus": "menelaus.concept_drift",
    "capymoa": "capymoa.drift.detectors",
}


def answer(peer: str, request: dict[str, Any]) -> dict[str, Any]:
    """Run one detector over all series of a request."""
    series = np.load(request["series"])
    alarms: list[list[int]] = []
    read, left = 0, request["most"]
    began = time.process_time()
    for row in series.tolist():
        step, found = BUILDERS[peer](request["detector"], request["params"]), []
        for i, value in enumerate(row):
            read += 1
            if step(value):
                found.append(i)
                left -= 1
                if request["first"] or not left:
                    break
        alarms.append(found)
        if not left:
            break
    return {"alarms": alarms, "values": read, "seconds": time.process_time() - began}


def main() -> None:
    """Answer until the input ends."""
    # Whatever a library prints must not be taken for an answer.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = sys.argv[1]

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    import_module(IMPORTED[peer])
    tell({"ready": peer})
    for line in sys.stdin:
        try:
            reply = answer(peer, json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its answer
            reply = {"error": f"{type(error).__name__}: {error}"}
        tell(reply)


if __name__ == "__main__":
    main()
