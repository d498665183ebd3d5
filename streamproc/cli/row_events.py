"""Convert the rows of a table to events."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from streamproc.cli.columns import Roles
from streamproc.tabular import Row, RowError

Event = dict[str, Any]


class RowEvents(NamedTuple):
    """What a row gives, in order: the labels due before its own event, that, and its own label."""

    line: int
    events: list[Event]


class RowReader:
    """Creates the events of a table's rows, all of one model.

    Parameters
    ----------
    name
        The table, as errors call it.
    model
        The ``model_id`` of all events.
    roles
        What each column is.
    label_delay
        Rows until the label. The label comes just before the event of that row, with its time; with
        0 it follows its row, and labels of the last rows follow the last row. This is the order of
        River's ``progressive_val_score``. A row without a label value gives no label.
    """

    def __init__(self, name: str, model: str, roles: Roles, label_delay: int = 0) -> None:
        self._name = name
        self._model = model
        self._roles = roles
        self._delay = label_delay
        self._waiting: deque[tuple[int, Event]] = deque()  # with the row when it is due

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
            before = list(self._due(number, event))
            self._remember_label(number, event, values)
            yield RowEvents(line, [*before, event, *self._due(number, event)])
        waiting = list(self._due(None, event))
        if waiting:
            yield RowEvents(line, waiting)

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
        """Give the labels that are due with a row, or all at the end, with that row's time."""
        time = {"ts": event["ts"]} if "ts" in event else {}
        while self._waiting and (number is None or self._waiting[0][0] <= number):
            yield self._waiting.popleft()[1] | time
