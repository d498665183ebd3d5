"""Send events and read alerts from a program of your own.

`Publisher` and `Alerts` are for asyncio; `streamproc.client.sync` has the same names for plain
``with`` and ``for``.
"""

from streamproc.client.alerts import Alerts
from streamproc.client.publisher import Publisher

__all__ = ["Alerts", "Publisher"]
