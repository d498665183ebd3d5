"""River's own detectors behind a bank: `river:KSWIN` and the others of `river_classes`.

For comparison, and for what this package lacks. One Python object a series, so
slow (microseconds a value) and large (kilobytes a series); where a detector of
ours has the same alarms, `adwin` and not `river:ADWIN`, it is 20 times faster.

Save and load are complete: what an object holds is written down attribute by
attribute (see `river_state`), so it goes on to the last bit. River's compiled
classes give their part as bytes, which only the same version of River is sure
to read.
"""

import importlib
import sys
from collections import deque
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.binary.base import ErrorBank, ErrorDetector, error_record
from streamproc.detectors.errors import ParameterError, StateError, UnknownDetectorError
from streamproc.detectors.river.classes import CLASSES
from streamproc.detectors.river.state import from_text, to_text
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Value, check_params
from streamproc.detectors.runtime.slots import State, check_state
from streamproc.detectors.spec import Entry

PREFIX = "river:"


class RiverBank(ErrorBank):
    """Many detectors of one class of River, one object a slot.

    Parameters
    ----------
    river_class
        Name in `river_classes.CLASSES`.
    size
        Number of slots.
    **params
        As in its schema; those of River, but `mode` for `two_sided_test` and 0
        for a `short_window_size` of None.

    Raises
    ------
    UnknownDetectorError
        If the class is not on the list.
    ParameterError
        If a parameter is unknown or out of its range, or River refuses it.

    Notes
    -----
    ERROR = 1 for the binary ones, FHDDM too, see `binary.base`.
    River does not tell its test statistics: those of hits are NaN.
    """

    def __init__(self, river_class: str, size: int = 0, **params: Value) -> None:
        self._class = _class(river_class)
        self._name = f"{PREFIX}{river_class}"
        given = check_params(self._name, self._class.params, params)
        defaults = {param.name: param.default for param in self._class.params}
        module = importlib.import_module(self._class.module)
        self._build = partial(
            getattr(module, river_class), **self._class.translated(defaults | given)
        )
        try:
            self._build()
        except ValueError as error:
            msg = f"{self._name}: River refuses {given}: {error}"
            raise ParameterError(msg) from error
        self._objects: list[Any] = []
        super().__init__(error_record({}), size)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing."""
        super().resize(size)
        self._objects += [None] * (self.size - len(self._objects))

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        for slot in slots.tolist():
            self._objects[slot] = None

    def state(self) -> State:
        """Copy all there is to know; `text` holds a slot's object, `length` bytes of it."""
        texts = [b"" if held is None else to_text(held) for held in self._objects]
        lengths = np.array([len(text) for text in texts], np.int64)
        text = np.zeros((self.size, lengths.max(initial=0)), np.uint8)
        for slot, held in enumerate(texts):
            text[slot, : len(held)] = np.frombuffer(held, np.uint8)
        return super().state() | {"text": text, "length": lengths}

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        fields = {name: (self._blank.dtype[name], (-1,)) for name in self._fields()}
        wide = state["text"].shape[1] if "text" in state and state["text"].ndim == 2 else 0
        added: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
            "text": (np.dtype(np.uint8), (-1, wide)),
            "length": (np.dtype(np.int64), (-1,)),
        }
        check_state(self._name, state, added | fields)
        text, lengths = state["text"], state["length"]
        if lengths.min(initial=0) < 0 or lengths.max(initial=0) > wide:
            msg = f"{self._name}: state 'length' exceeds the {wide} bytes of 'text'"
            raise StateError(msg)
        objects = [
            self._restored(row[:length].tobytes())
            for row, length in zip(text, lengths, strict=True)
        ]
        super().load({name: state[name] for name in fields})
        self._objects = objects

    def nbytes(self) -> int:
        """Bytes held, about: Python's own book-keeping is not counted."""
        return super().nbytes() + sum(_weight(held) for held in self._objects)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right, writing into `hits`."""
        for k, (column, start, stop, slot) in enumerate(tasks.tolist()):
            for row, value in enumerate(values[column, start:stop].tolist(), start):
                if self._alarms(slot, value):
                    hits.row[k] = row
                    break

    def _alarms(self, slot: int, value: float) -> bool:
        if value != value:  # noqa: PLR0124 - NaN, which is missing
            return False
        record = self._records[slot]
        if self._class.family == "error" and not self._takes(value):
            record["refused"] += 1
            return False
        if self._objects[slot] is None:
            self._objects[slot] = self._build()
        held = self._objects[slot]
        held.update(1.0 - value if self._class.successes else value)
        record["warned"] = getattr(held, "warning_detected", False)
        record["alarmed"] = held.drift_detected
        return bool(record["alarmed"])

    def _takes(self, value: float) -> bool:
        return value in (0.0, 1.0)

    def _restored(self, text: bytes) -> Any:
        if not text:
            return None
        held = self._build()
        from_text(held, text)
        return held


class RiverDetector(ErrorDetector):
    """A detector of River on one series, with this package's promises about bad input.

    Parameters
    ----------
    river_class
        Name in `river_classes.CLASSES`.
    **params
        As in its schema, see `RiverBank`.

    Raises
    ------
    UnknownDetectorError, ParameterError
        As `RiverBank`.

    Examples
    --------
    >>> from streamproc.detectors.river.bank import RiverDetector
    >>> detector = RiverDetector("KSWIN", seed=42)
    >>> for i in range(400):
    ...     detector.update((i % 7) / 7 + (0.0 if i < 200 else 1.0))
    ...     if detector.drift_detected:
    ...         print(i)
    213
    """

    def __init__(self, river_class: str, **params: Value) -> None:
        super().__init__(RiverBank(river_class, 1, **params))
        self._is_binary = CLASSES[river_class].family == "error"

    def _takes(self, x: float) -> bool:
        return not self._is_binary or super()._takes(x)


def _class(name: str) -> Any:
    if name not in CLASSES:
        msg = f"detector '{PREFIX}{name}': unknown; there are {', '.join(names())}"
        raise UnknownDetectorError(msg)
    return CLASSES[name]


def _weight(held: Any) -> int:
    """Count the bytes of an object and of what it alone holds."""
    size = sys.getsizeof(held)
    if isinstance(held, deque):
        return size + sum(sys.getsizeof(item) for item in held)
    return size + sum(_weight(part) for part in getattr(held, "__dict__", {}).values())


def names() -> tuple[str, ...]:
    """Names of all of River's detectors that are available, as in a config."""
    return tuple(PREFIX + name for name in CLASSES)


def get(name: str) -> Entry:
    """Look one of River's detectors up; River itself is imported when one is built.

    Parameters
    ----------
    name
        As in a config, with the prefix.

    Raises
    ------
    UnknownDetectorError
        If there is none of that name; the message lists those that exist.
    """
    river_class = name.removeprefix(PREFIX)
    found = _class(river_class)
    schema = {param.name: param for param in found.params}
    defaults = {param.name: param.default for param in found.params}
    return Entry(
        name,
        found.family,
        partial(RiverDetector, river_class),
        partial(RiverBank, river_class),
        MappingProxyType(schema),
        MappingProxyType(defaults),
    )
