"""Map the values of all models of one schema to detector slots.

Thousands of models with the same features share one layout, and so one decoder and one matrix per
slice. Python objects for each model would cost more than its detectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.config.model import ModelConfig
from streamproc.decode.event_schema import EventSchema, FeatureType, PredictionForm, Topic, WatchKey
from streamproc.decode.fast_decoder import FastDecoder
from streamproc.decode.lenient import lenient_decoder
from streamproc.decode.lenient_numbers import as_number
from streamproc.decode.sparse_features import SparseFeatures
from streamproc.decode.structs import DECODE_ERRORS, GENERIC, EventStruct, typed
from streamproc.schemas.series import JOINT, SEGMENT
from streamproc.schemas.version_key import model_of

Ints = NDArray[np.int64]
UNWATCHED = -1
SUMMARISED = -2
_SETTLED = 8
# Features beyond which no struct, which costs 6 µs a feature, is made to read single events.
_WIDE = 256
FITTING: dict[FeatureType, tuple[type, ...]] = {
    FeatureType.NULL: (),
    FeatureType.TEXT: (str,),
    FeatureType.LIST: (list,),
    FeatureType.NUMBER: (float, bool),
}


def is_counted(series: str) -> bool:
    """Whether a limit counts a series: not those of missing values, of all features or of segments.

    There is at most one of them for a feature, or for a model, or as many as the configuration says
    for each series that is counted.
    """
    return series != JOINT and not series.startswith(("quality:", SEGMENT))


def _rows(array: Ints, rows: int) -> Ints:
    more = np.full((rows, *array.shape[1:]), UNWATCHED, np.int64)
    more[: len(array)] = array
    return more


class JointSlot(NamedTuple):
    """The features of a model that are watched together.

    Attributes
    ----------
    names
        Their names; empty if the model had fewer than two when they were fixed.
    slot
        Slot in the state of models with that number of them; `UNWATCHED` without names.
    """

    names: tuple[str, ...]
    slot: int


@dataclass(slots=True)
class Model:
    """One model of one partition.

    Attributes
    ----------
    id
        Model id; for outcomes the version key.
    config
        Its configuration.
    layout, row
        Its layout and row.
    slots
        Slot by series name.
    vectors
        Slot in the embedder by name of the embedding.
    births
        Number of the model's events before a feature first appeared.
    sparse
        Features that few of its events have.
    member
        Its place in the table of arrivals; -1 without one.
    joint
        Its features that are watched together; None if that is not decided.
    born
        `births` as an array, one entry a series of a layout, for that layout and number of births;
        None until it is needed.
    """

    id: str
    config: ModelConfig
    layout: "Layout"
    row: int
    slots: dict[str, int] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    births: dict[str, int] = field(default_factory=dict)
    sparse: SparseFeatures = field(default_factory=SparseFeatures)
    member: int = UNWATCHED
    joint: JointSlot | None = None
    born: "tuple[Layout, int, Ints] | None" = None

    @property
    def name(self) -> str:
        """Name for messages: for outcomes, the model id of the version key."""
        return model_of(self.id) if self.layout.shape.form is PredictionForm.LOSSES else self.id

    @property
    def watched(self) -> int:
        """Number of its series that `limits.max_series` counts."""
        return sum(slot != UNWATCHED and is_counted(name) for name, slot in self.slots.items())


class Layout:
    """The models of one schema with the same configuration.

    Attributes
    ----------
    slots
        (models, series): slot of each series in its detector group, `UNWATCHED` without one; the
        groups are those of `streamproc.detect.layout_groups`.
    quality
        (models, features): slot of each feature's missing-value series, `SUMMARISED` if it is of
        `Model.sparse`.
    vectors
        (models, lists): slot of each embedding in the embedder.
    events
        (models,): number of events of each model in this partition.
    last
        (models,): offset of the last of them.
    members
        (models,): place of each model in the table of arrivals.
    kinds
        Type of each feature.
    plain
        Decoder of plain events; None if the schema does not allow any.
    loose
        Number of events that were decoded generically.
    hinted
        Whether the key of a record has suggested this layout.
    """

    def __init__(self, shape: EventSchema, topic: Topic) -> None:
        self.shape = shape
        self.series = shape.series()
        self.named, self.texts, self.lists = shape.named, shape.texts, shape.lists
        self.kinds = shape.kinds()
        self.fields = tuple(self.kinds.items())
        self._topic = topic
        self.loose = 0
        self.hinted = False
        self.models: list[Model | None] = []
        self.rows: dict[str, int] = {}
        self._free: list[int] = []
        self.slots: Ints = np.empty((0, len(self.series)), np.int64)
        self.quality: Ints = np.empty((0, len(self.named)), np.int64)
        self.vectors: Ints = np.empty((0, len(self.lists)), np.int64)
        self.events: Ints = np.empty(0, np.int64)
        self.last: Ints = np.empty(0, np.int64)
        self.members: Ints = np.empty(0, np.int64)

    @cached_property
    def asked(self) -> Mapping[str, WatchKey]:
        """Lookup key in the configuration for each feature series."""
        return self.shape.asked()

    @cached_property
    def typed(self) -> EventStruct:
        """The msgspec struct for events of this schema, and its decoder."""
        return typed(self.shape, self._topic)

    def decode_again(self, value: bytes) -> Any:
        """Return an event that the fast decoder has read, as a struct."""
        is_wide = self.shape.features > _WIDE and "typed" not in self.__dict__
        try:
            return GENERIC[self._topic].decode(value) if is_wide else self.typed.decode(value)
        except DECODE_ERRORS:  # it was read after its odd fields were rewritten
            event, _ = lenient_decoder(self._topic, UTC).decode(value)
        if isinstance(event.prediction if self.shape.has_number else None, str):
            event.prediction = as_number(event.prediction)
        return event

    @cached_property
    def plain(self) -> FastDecoder | None:
        """The decoder of plain events; None if the schema does not allow any."""
        return (
            FastDecoder(self.shape, self._topic)
            if FastDecoder.fits(self.shape, self._topic)
            else None
        )

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Index of each numeric feature."""
        return {name: place for place, name in enumerate(self.shape.numbers)}

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Index of each feature in `named`."""
        return {name: place for place, name in enumerate(self.named)}

    @cached_property
    def _quality_names(self) -> Sequence[str]:
        """Name of the missing-value series of each feature."""
        return [f"quality:{name}" for name in self.named]

    @cached_property
    def class_rows(self) -> Mapping[str, int]:
        """Index of each class in `series`."""
        first = len(self.series) - len(self.shape.classes)
        return {name: first + place for place, name in enumerate(self.shape.classes)}

    @property
    def settled(self) -> bool:
        """Whether compiling a decoder for this layout pays.

        It costs as much as decoding some events, and a growing schema soon has another layout.
        """
        return self.loose >= _SETTLED

    def add(self, model: Model, events: int, last: int = UNWATCHED) -> None:
        """Add a model in a free row, with its number of events and the last one's offset."""
        row = self._free.pop() if self._free else len(self.models)
        if row == len(self.models):
            self.models.append(None)
        if row == len(self.slots):
            rows = max(8, 2 * row)
            self.slots = _rows(self.slots, rows)
            self.quality = _rows(self.quality, rows)
            self.vectors = _rows(self.vectors, rows)
            self.events = _rows(self.events, rows)
            self.last = _rows(self.last, rows)
            self.members = _rows(self.members, rows)
        self.models[row] = model
        self._place(model.id, row)
        self.events[row], self.last[row], self.members[row] = events, last, model.member
        self.compile(model, row)
        model.layout, model.row = self, row

    def compile(self, model: Model, row: int) -> None:
        """Write the slots of a model's series into its row of the arrays."""
        slot_of, unwatched = model.slots.get, repeat(UNWATCHED)
        self.slots[row] = list(map(slot_of, self.series, unwatched))
        self.vectors[row] = list(map(model.vectors.get, self.lists, unwatched))
        self.quality[row] = list(map(slot_of, self._quality_names, unwatched))
        if model.sparse.names:
            self.quality[row, model.sparse.columns(self.places)] = SUMMARISED

    def remove(self, model: Model) -> int:
        """Remove a model; return its number of events."""
        self._place(model.id, None)
        self.models[model.row] = None
        self._free.append(model.row)
        return int(self.events[model.row])

    def _place(self, model_id: str, row: int | None) -> None:
        if row is None:
            del self.rows[model_id]
        else:
            self.rows[model_id] = row
        if (plain := self.__dict__.get("plain")) is not None:
            plain.forget()

    def model(self, row: int) -> Model:
        """Return the model of a row.

        Raises
        ------
        LookupError
            If the row is free.
        """
        model = self.models[row]
        if model is None:
            msg = f"row {row} of this layout has no model"
            raise LookupError(msg)
        return model

    def classes(self, values: Mapping[str, float | None]) -> Any:
        """Return the prediction struct of this layout with a value for each class or loss.

        Raises
        ------
        LookupError
            If predictions of this layout are not a struct of classes.
        """
        if self.typed.classes is None:
            msg = f"events of form {self.shape.form.value} have one prediction"
            raise LookupError(msg)
        return self.typed.classes(*(values.get(name) for name in self.shape.classes))
