"""Hold which segments of each model of a partition are watched."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import UNWATCHED, Ints, Layout, Model
from streamproc.detect.segment_groups import SegmentGroups
from streamproc.detect.tag_values import TagCounts, TagValues
from streamproc.detectors.errors import StateError
from streamproc.schemas.segment_series import SegmentSeries

ARRAY: Final = "segments"
"""Name of the array of a snapshot."""
_decoder: Final = msgspec.json.Decoder(dict[str, dict[str, TagCounts]])


class Segment:
    """One value of a tag of a model.

    Parameters
    ----------
    tag, value
        The tag and its value.

    Attributes
    ----------
    names
        Name of each series of the layout within the segment.
    slots
        (series,): slot of each; `UNWATCHED` without one.
    """

    def __init__(self, tag: str, value: str) -> None:
        self.tag, self.value = tag, value
        self.layout: Layout | None = None
        self.names: tuple[str, ...] = ()
        self.slots: Ints = np.empty(0, np.int64)

    def fit(self, model: Model, groups: SegmentGroups) -> None:
        """Allocate the slots of a model's series that have none in this segment yet."""
        layout = model.layout
        if self.layout is layout:
            return
        self.layout = layout
        self.names = tuple(SegmentSeries(self.tag, self.value, name).key for name in layout.series)
        self.slots = np.full(len(self.names), UNWATCHED, np.int64)
        for group, columns in groups.columns:
            names = [self.names[column] for column in columns.tolist()]
            new = [name for name in names if name not in model.slots]
            if new:
                model.slots.update(zip(new, group.acquire(len(new)), strict=True))
            self.slots[columns] = [model.slots[name] for name in names]


class ModelSegments:
    """The segments of one model.

    Attributes
    ----------
    values
        The values of each tag.
    """

    def __init__(self, values: Mapping[str, TagValues]) -> None:
        self.values = dict(values)
        self._segments: dict[str, list[Segment]] = {tag: [] for tag in self.values}

    def of(self, tag: str) -> list[Segment]:
        """Return the segments of a tag's values, in the order of `TagValues.watched`."""
        found = self._segments[tag]
        names = list(self.values[tag].watched)
        found += [Segment(tag, value) for value in names[len(found) :]]
        return found


class Segments:
    """The segments of all models of a partition."""

    def __init__(self) -> None:
        self._of_model: dict[str, ModelSegments] = {}

    def of(self, model: Model) -> ModelSegments:
        """Return the segments of a model whose configuration names tags."""
        found = self._of_model.get(model.id)
        if found is None:
            settings = model.config.segments
            tags = () if settings is None else settings.tags
            largest = 1 if settings is None else settings.largest
            found = ModelSegments({tag: TagValues(largest) for tag in tags})
            self._of_model[model.id] = found
        return found

    def forget(self, model_id: str) -> None:
        """Drop the segments of a model."""
        self._of_model.pop(model_id, None)

    def state(self, models: Iterable[str]) -> dict[str, NDArray[np.uint8]]:
        """Return the state of some models as an array of a snapshot."""
        written = {
            model: {tag: values.state() for tag, values in self._of_model[model].values.items()}
            for model in models
            if model in self._of_model
        }
        return {ARRAY: np.frombuffer(msgspec.json.encode(written), np.uint8)}

    def load(
        self, arrays: Mapping[str, NDArray[np.generic]], largest: Mapping[str, Mapping[str, int]]
    ) -> None:
        """Continue the state of a snapshot, also of a version that did not have it.

        Parameters
        ----------
        arrays
            Of the snapshot.
        largest
            By model and tag, the number of values that are watched at most.

        Raises
        ------
        StateError
            If it cannot be read.
        """
        array = arrays.get(ARRAY)
        try:
            written = {} if array is None else _decoder.decode(array.tobytes())
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StateError(f"array {ARRAY!r}: {error}") from error
        self._of_model = {
            model: ModelSegments(
                {tag: TagValues(most, written[model].get(tag)) for tag, most in tags.items()}
            )
            for model, tags in largest.items()
            if model in written
        }

    def watches(self, model_id: str, name: SegmentSeries) -> bool:
        """Whether a series belongs to a value that is watched."""
        found = self._of_model.get(model_id)
        return (
            found is not None
            and name.tag in found.values
            and name.value in found.values[name.tag].watched
        )
