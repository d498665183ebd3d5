"""Send events, read alerts, and predict with online models from your program.

`Publisher`, `Alerts` and `ModelUpdates` are for asyncio; `streamproc.client.sync` has the same
names for plain ``with`` and ``for``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from streamproc.client.alerts import Alerts
    from streamproc.client.model_updates import ModelUpdates
    from streamproc.client.publisher import Publisher

__all__ = ["Alerts", "ModelUpdates", "Publisher"]

_MODULES: Final = {"Alerts": "alerts", "ModelUpdates": "model_updates", "Publisher": "publisher"}


def __getattr__(name: str) -> Any:
    # Imported when first used: a program that publishes needs no schema of alerts.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
