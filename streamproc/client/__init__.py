"""Send events, read alerts, and predict with online models from your program.

`Publisher`, `Alerts` and `ModelUpdates` are for asyncio; `streamproc.client.sync` has the same
names for plain ``with`` and ``for``.
"""

from streamproc.client.alerts import Alerts
from streamproc.client.model_updates import ModelUpdates
from streamproc.client.publisher import Publisher

__all__ = ["Alerts", "ModelUpdates", "Publisher"]
