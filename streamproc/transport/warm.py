"""The detectors' loops, compiled before anybody waits for them."""

from streamproc.monitor import Monitor

_EVENTS = 500


def warm_up() -> None:
    """Run a change, a missing value and a prediction through the pipeline once.

    The first time on a machine that compiles what is kept on disk from then on, which takes
    seconds; a worker that did so in the middle of its work would be taken for dead by its group.
    """
    Monitor().process(
        {
            "model_id": "warm-up",
            "prediction": 0.5,
            "features": {"x": float(row % 7 + 100 * (row > _EVENTS // 2)), "y": row % 9 or None},
        }
        for row in range(_EVENTS)
    )
