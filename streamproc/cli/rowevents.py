"""The events of a table's rows."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from streamproc.cli.roles import Roles
from streamproc.rows import Row, RowError

Event = dict[str, Any]


class RowEvents(NamedTuple):
    """What a row gives: its own event, if it is not the end, and the labels due after it."""

    line: int
    event: Event | None
    labels: list[Event]


class RowReader:
    """Makes the events of a table's rows, all of one model.

    Parameters
    ----------
    name
        The table, as errors call it.
    model
        The ``model_id`` of all events.
    roles
        What each column is.
    label_delay
        A row's label follows the event of the row that is so many rows later, and has its time;
        those of the last rows follow the last row. A row without a truth gives no label.
    """

    def __init__(self, name: str, model: str, roles: Roles, label_delay: int = 0) -> None:
        self._name = name
        self._model = model
        self._roles = roles
        self._delay = label_delay
        self._waiting: deque[tuple[int, Event]] = deque()  # with the row after which it is due

    def events(self, rows: Iterable[Row]) -> Iterator[RowEvents]:
        """Iterate over what the rows give, in order, and at the end over the labels left.

        Raises
        ------
        RowError
            When a row has no value where an event must have one.
        """
        line, event = 0, {}
        for number, (line, values) in enumerate(rows):
            event = self._event(number, line, values)
            self._remember_label(number, event, values)
            yield RowEvents(line, event, list(self._due(number, event)))
        rest = list(self._due(None, event))
        if rest:
            yield RowEvents(line, None, rest)

    def _event(self, number: int, line: int, values: Any) -> Event:
        roles = self._roles
        identity = str(number)
        if roles.identity is not None:
            identity = self._required(line, values, roles.identity)
        event: Event = {"model_id": self._model, "event_id": identity}
        if roles.ts is not None:
            event["ts"] = self._required(line, values, roles.ts)
        event["features"] = {column: values.get(column) for column in roles.features}
        if roles.prediction is not None:
            event["prediction"] = self._required(line, values, roles.prediction)
        return event

    def _required(self, line: int, values: Any, column: str) -> Any:
        value = values.get(column)
        if value is None or value == "":
            raise RowError.at(
                self._name, line, f"column {column!r} is empty: every event needs one"
            )
        return value

    def _remember_label(self, number: int, event: Event, values: Any) -> None:
        if self._roles.label is None or values.get(self._roles.label) is None:
            return
        label = {key: event[key] for key in ("model_id", "event_id")}
        self._waiting.append((number + self._delay, label | {"label": values[self._roles.label]}))

    def _due(self, number: int | None, event: Event) -> Iterator[Event]:
        """Give the labels that are due after a row, or all at the end, with that row's time."""
        time = {"ts": event["ts"]} if "ts" in event else {}
        while self._waiting and (number is None or self._waiting[0][0] <= number):
            yield self._waiting.popleft()[1] | time
