"""Send events, read alerts, and answer with online models from a program of your own.

`Publisher`, `Alerts` and `ModelUpdates` are for asyncio; `streamproc.client.sync` has the same
names for plain ``with`` and ``for``.
"""

from streamproc.client.alerts import Alerts
from streamproc.client.model_updates import ModelUpdates
from streamproc.client.publisher import Publisher

__all__ = ["Alerts", "ModelUpdates", "Publisher"]
