"""Which number of which model goes to which detector slot, for all models of one shape.

Thousands of models with the same features share one layout, and so one decoder and one
matrix a slice; a plain object for each model would cost more than its detectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.config.model import ModelConfig
from streamproc.decode.event_schema import EventSchema, FeatureType, PredictionForm, Topic, WatchKey
from streamproc.decode.fast_decoder import FastDecoder
from streamproc.decode.structs import EventStruct, typed
from streamproc.detect.detector_group import DetectorGroup
from streamproc.schemas.version_key import model_of

Ints = NDArray[np.int64]
Profiles = Sequence[DetectorGroup | None]
UNWATCHED = -1
_SETTLED = 8
FITTING: dict[FeatureType, tuple[type, ...]] = {
    FeatureType.NULL: (),
    FeatureType.TEXT: (str,),
    FeatureType.LIST: (list,),
    FeatureType.NUMBER: (float, bool),
}


def _rows(array: Ints, rows: int) -> Ints:
    more = np.full((rows, *array.shape[1:]), UNWATCHED, np.int64)
    more[: len(array)] = array
    return more


@dataclass(slots=True)
class Model:
    """One model in one partition: its settings, its row in a layout, and its slots by series."""

    id: str
    config: ModelConfig
    layout: "Layout"
    row: int
    slots: dict[str, int] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    births: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it; of outcomes each version of a model has an id of its own."""
        return model_of(self.id) if self.layout.shape.form is PredictionForm.LOSSES else self.id


class Layout:
    """The models of one shape whose series have the same detectors.

    Attributes
    ----------
    slots
        (models, series): slot of each series in its profile, `UNWATCHED` where there is none.
    quality
        (models, features): slot of the series that says when the feature is missing.
    vectors
        (models, lists): slot of each embedding's memory.
    events
        (models,): how many events each model has had in this partition.
    last
        (models,): offset of the last of them.
    kinds
        What each feature is.
    plain
        Reads the events that are written plainly; None when there can be none.
    loose
        Events that were read without the layout's own decoder.
    """

    def __init__(
        self,
        shape: EventSchema,
        topic: Topic,
        profiles: Mapping[str, DetectorGroup | None],
        quality: Profiles,
    ) -> None:
        self.shape = shape
        self.series = shape.series()
        self.named, self.texts, self.lists = shape.named, shape.texts, shape.lists
        self._profiles = dict(profiles)
        # An embedding's series with the name of another feature's: that one has it.
        first = dict(zip(reversed(self.series), range(len(self.series))[::-1], strict=True))
        self.profiles: Profiles = tuple(
            profiles[name] if first[name] == place else None
            for place, name in enumerate(self.series)
        )
        self.quality_profiles = tuple(quality)
        self.kinds = shape.kinds()
        self.fields = tuple(self.kinds.items())
        self._topic = topic
        self.loose = 0
        self.models: list[Model | None] = []
        self.rows: dict[str, int] = {}
        self._free: list[int] = []
        self.slots: Ints = np.empty((0, len(self.series)), np.int64)
        self.quality: Ints = np.empty((0, len(self.named)), np.int64)
        self.vectors: Ints = np.empty((0, len(self.lists)), np.int64)
        self.events: Ints = np.empty(0, np.int64)
        self.last: Ints = np.empty(0, np.int64)

    @cached_property
    def asked(self) -> Mapping[str, WatchKey]:
        """How the configuration is asked for each series of a feature."""
        return self.shape.asked()

    @cached_property
    def typed(self) -> EventStruct:
        """The struct for events of this shape, and its decoder."""
        return typed(self.shape, self._topic)

    @cached_property
    def plain(self) -> FastDecoder | None:
        """What reads plain events; None when there can be none."""
        return (
            FastDecoder(self.shape, self._topic)
            if FastDecoder.fits(self.shape, self._topic)
            else None
        )

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The place of each feature that is a number."""
        return {name: place for place, name in enumerate(self.shape.numbers)}

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each feature in `named`."""
        return {name: place for place, name in enumerate(self.named)}

    @cached_property
    def class_rows(self) -> Mapping[str, int]:
        """The place of each class among the series."""
        first = len(self.series) - len(self.shape.classes)
        return {name: first + place for place, name in enumerate(self.shape.classes)}

    @property
    def settled(self) -> bool:
        """Whether it has lasted long enough that a decoder of its own pays.

        A decoder costs as much as some events, and a shape that grows is another soon.
        """
        return self.loose >= _SETTLED

    def add(self, model: Model, events: int, last: int = UNWATCHED) -> None:
        """Give a model a row, and compile its slots into it."""
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
        self.models[row] = model
        self._place(model.id, row)
        self.events[row], self.last[row] = events, last
        self.compile(model, row)
        model.layout, model.row = self, row

    def compile(self, model: Model, row: int) -> None:
        """Write the slots of a model's series to its row."""
        self.slots[row] = [model.slots.get(name, UNWATCHED) for name in self.series]
        self.vectors[row] = [model.vectors.get(name, UNWATCHED) for name in self.lists]
        self.quality[row] = [model.slots.get(f"quality:{name}", UNWATCHED) for name in self.named]

    def remove(self, model: Model) -> int:
        """Take a model out, and say how many events it has had."""
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

    def profile(self, series: str) -> DetectorGroup | None:
        """Return what watches a series; None if nothing does, or there is no such series."""
        return self._profiles.get(series)

    def model(self, row: int) -> Model:
        """Return the model of a row."""
        model = self.models[row]
        if model is None:
            msg = f"row {row} of this layout has no model"
            raise LookupError(msg)
        return model

    def classes(self, values: Mapping[str, float | None]) -> Any:
        """Put a value for each class, or for each loss, into this layout's struct."""
        if self.typed.classes is None:
            msg = f"events of form {self.shape.form.value} have one prediction"
            raise LookupError(msg)
        return self.typed.classes(*(values.get(name) for name in self.shape.classes))
