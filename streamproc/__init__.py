"""Watches every model in production, on Kafka or without it.

>>> from streamproc import Monitor
>>> Monitor().process([{"model_id": "fraud", "prediction": 0.5, "features": {"amount": 1.0}}])
[]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamproc.monitor import Monitor as Monitor

__all__ = ["Monitor"]


def __getattr__(name: str) -> Any:
    # Imported when first used: the detectors' compiler takes half a second to load, which
    # commands that detect nothing should not wait for.
    if name == "Monitor":
        from streamproc.errors import extras_named  # noqa: PLC0415  # the reason is above

        with extras_named():
            from streamproc.monitor import Monitor  # noqa: PLC0415
        return Monitor
    msg = f"module 'streamproc' has no attribute {name!r}"
    raise AttributeError(msg)
