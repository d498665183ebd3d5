"""Track the versions of online models from their updates, and which one serves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from streamproc.schemas.model_updates import ModelUpdate

# A worker stores a few versions for rollbacks; older ones cannot serve again.
VERSIONS: Final = 20

Segment = tuple[tuple[str, str], ...]


def segment_of(tags: Mapping[str, str] | None) -> Segment:
    """Return tags as a sorted tuple; empty for all events."""
    return tuple(sorted((tags or {}).items()))


@dataclass(slots=True)
class Version:
    """A version of a model.

    Attributes
    ----------
    last
        Its last update.
    plain
        Its last update with parameters; None if there was none.
    """

    last: ModelUpdate
    plain: ModelUpdate | None = None


@dataclass(slots=True)
class ModelState:
    """An online model, or its part for one segment.

    Attributes
    ----------
    model_id, segment
        Id of the model, and tags of the segment.
    serving
        Number of the version that predicts, the champion.
    versions
        Versions by number, the most recently updated last.
    step
        The last step other than `learned`; None if there was none.
    """

    model_id: str
    segment: Segment
    serving: int = 0
    versions: dict[int, Version] = field(default_factory=dict)
    step: ModelUpdate | None = None

    def apply(self, update: ModelUpdate) -> None:
        """Apply the next update of this model and segment."""
        before = self.versions.pop(update.version, None)
        plain = None if before is None else before.plain
        if update.parameters is not None:
            plain = update
        self.serving = update.serving
        if update.step != "retired" or update.version == self.serving:
            self.versions[update.version] = Version(update, plain)
        if update.step != "learned":
            self.step = update
        for number in list(self.versions)[: max(0, len(self.versions) - VERSIONS)]:
            if number != self.serving:
                del self.versions[number]

    @property
    def answering(self) -> Version | None:
        """The version that predicts; None before its first update."""
        return self.versions.get(self.serving)


class ModelStates:
    """The states of all online models, from their updates.

    Examples
    --------
    >>> lives = ModelStates()
    >>> lives.apply(ModelUpdate(
    ...     update_id="a1", model_id="fraud", step="learned", version=3, serving=3, learned=120,
    ...     source={"topic": "outcomes", "partition": 0, "offset": 7},
    ... ))
    >>> [(life.model_id, life.serving) for life in lives]
    [('fraud', 3)]
    """

    def __init__(self) -> None:
        self._states: dict[tuple[str, Segment], ModelState] = {}
        self._tags: dict[str, dict[tuple[str, ...], None]] = {}

    def apply(self, update: ModelUpdate) -> None:
        """Apply the next update."""
        segment = segment_of(update.segment)
        life = self._states.get((update.model_id, segment))
        if life is None:
            life = self._states[update.model_id, segment] = ModelState(update.model_id, segment)
            names = tuple(name for name, _ in segment)
            self._tags.setdefault(update.model_id, {})[names] = None
        life.apply(update)

    def get(self, model_id: str, tags: Mapping[str, str] | None = None) -> ModelState | None:
        """Return the model for events with these tags; None if there is none yet."""
        given = tags or {}
        for names in self._tags.get(model_id, ()):
            # Events without the tag share one model.
            chosen = {name: given.get(name, "") for name in names}
            life = self._states.get((model_id, segment_of(chosen)))
            if life is not None:
                return life
        return None

    def __iter__(self) -> Iterator[ModelState]:
        return iter(self._states.values())
