"""Convert the rows of a table to events."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from streamproc.cli.column_kinds import ColumnKinds
from streamproc.cli.columns import Roles
from streamproc.tabular import Row, RowError
from streamproc.tabular.event_times import EventTimes
from streamproc.tabular.table import Reject

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
    times
        Reads times; None: ISO 8601, those without a zone in UTC.

    Attributes
    ----------
    kinds
        What the values of each column were.
    later
        Features that the first row did not have, in the order in which they came.
    unreadable
        Rows by column whose value cannot be a feature, and counts as missing.
    """

    def __init__(
        self,
        name: str,
        model: str,
        roles: Roles,
        label_delay: int = 0,
        times: EventTimes | None = None,
    ) -> None:
        self.times = EventTimes() if times is None else times
        self.kinds = ColumnKinds()
        self.later: dict[str, None] = {}
        self.unreadable: Counter[str] = Counter()
        self._name = name
        self._model = model
        self._roles = roles
        self._known = roles.named
        self._objects: set[str] = set()
        self._delay = label_delay
        self._waiting: deque[tuple[int, Event]] = deque()  # with the row when it is due

    def events(self, rows: Iterable[Row], reject: Reject | None = None) -> Iterator[RowEvents]:
        """Iterate over what the rows give, in order, and at the end over the labels left.

        Rows without a value where an event must have one go to `reject`.

        Raises
        ------
        RowError
            On such a row without `reject`.
        """
        line, event = 0, {}
        for number, (line, values) in enumerate(rows):
            try:
                event = self._event(number, line, values)
            except RowError as error:
                if reject is None:
                    raise
                reject(line, str(error), dict(values))
                continue
            self.kinds.add(values)
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
            event["ts"] = self._time(line, self._required(line, values, roles.ts))
        event["features"] = self._features(values)
        if roles.prediction is not None:
            event["prediction"] = self._required(line, values, roles.prediction)
        return event

    def _time(self, line: int, value: Any) -> Any:
        try:
            return self.times.read(value)
        except ValueError as error:
            what = f"column {self._roles.ts!r}: {error}"
            raise RowError.at(self._name, line, what) from error

    def _features(self, values: Mapping[str, Any]) -> Event:
        features: Event = {}
        for column in self._roles.features:
            self._flatten(column, values.get(column), features)
        if self._roles.takes_later and not values.keys() <= self._known:
            self.later |= dict.fromkeys(column for column in values if column not in self._known)
        for column in self.later:
            self._flatten(column, values.get(column), features)
        return features

    def _flatten(self, name: str, value: Any, features: Event) -> None:
        """Add a value; an object adds each of its parts, by dotted names."""
        if isinstance(value, dict) and value:
            self._objects.add(name)
            for part, each in value.items():
                self._flatten(f"{name}.{part}", each, features)
        elif isinstance(value, dict) or (isinstance(value, list) and not _is_vector(value)):
            self.unreadable[name] += 1
            features[name] = None
        elif value is not None or name not in self._objects:
            features[name] = value

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


def _is_vector(value: list[Any]) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
