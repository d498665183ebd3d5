"""The detectors' loops, compiled before anybody waits for them."""

from streamproc.monitor import Monitor

_EVENTS = 500


def warm_up() -> None:
    """Run a change, a missing value, a prediction, a text and an embedding through the pipeline.

    The first time on a machine that compiles what is kept on disk from then on, which takes
    seconds; a worker that did so in the middle of its work would be taken for dead by its group.
    """
    Monitor().process(
        {
            "model_id": "warm-up",
            "prediction": 0.5,
            "features": {
                "x": float(row % 7 + 100 * (row > _EVENTS // 2)),
                "y": row % 9 or None,
                "text": "ab"[row % 2],
                "list": [1.0, float(row % 5)],
            },
        }
        for row in range(_EVENTS)
    )
