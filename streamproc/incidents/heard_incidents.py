"""The incidents that the sink of a notification group has heard of, the most severe one first."""

from bisect import bisect_left, insort
from collections import Counter
from itertools import islice
from typing import Final

from streamproc.incidents.grouped_incident import Followed
from streamproc.incidents.members import rank
from streamproc.schemas.incidents import IncidentStatus

_Order = tuple[int, int, str]


class HeardIncidents:
    """Which incidents a notification is about.

    A change of one looks at the others only by a search in their order, since critical incidents
    notify one by one, and a group may have hundreds.
    """

    def __init__(self) -> None:
        self._orders: Final[dict[str, tuple[_Order, IncidentStatus]]] = {}
        self._left: Final[list[_Order]] = []
        self._ended: Final[list[_Order]] = []
        self._statuses: Final[Counter[IncidentStatus]] = Counter()

    @property
    def statuses(self) -> set[IncidentStatus]:
        """Return what the last notices say of those that have not ended."""
        return {status for status, number in self._statuses.items() if number}

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many have not ended, and how many have."""
        return len(self._left), len(self._ended)

    def put(self, each: Followed) -> None:
        """Take note of an incident, or of a later state of it."""
        notice, record = each.notice, each.record
        self.remove(record.incident_id)
        if notice is not None:
            order = -rank(record.severity), record.number, record.incident_id
            self._orders[record.incident_id] = order, notice.status
            if notice.status == "resolved":
                insort(self._ended, order)
            else:
                insort(self._left, order)
                self._statuses[notice.status] += 1

    def remove(self, incident_id: str) -> None:
        """Forget an incident."""
        known = self._orders.pop(incident_id, None)
        if known is None:
            return
        order, status = known
        among = self._ended if status == "resolved" else self._left
        del among[bisect_left(among, order)]
        if status != "resolved":
            self._statuses[status] -= 1

    def first(self, number: int) -> list[str]:
        """Return the ids of the most severe ones that have not ended, else of those that have."""
        return [incident_id for _, _, incident_id in islice(self._left or self._ended, number)]

    def ended(self) -> list[str]:
        """Return the ids of those that have ended, in the order in which they joined."""
        return [order[2] for order in sorted(self._ended, key=lambda order: order[1])]
