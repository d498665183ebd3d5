"""What updates tell of online models: their versions, and which of them answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from streamproc.schemas.model_updates import ModelUpdate

# A worker keeps a handful of versions to roll back to; older ones answer no more.
VERSIONS: Final = 20

Segment = tuple[tuple[str, str], ...]


def segment_of(tags: Mapping[str, str] | None) -> Segment:
    """Return tags so that equal ones are equal, whatever their order; none: all events."""
    return tuple(sorted((tags or {}).items()))


@dataclass(slots=True)
class Version:
    """A version of a model.

    Attributes
    ----------
    last
        What was told of it last.
    plain
        The last update with its parameters; None if there never was one.
    """

    last: ModelUpdate
    plain: ModelUpdate | None = None


@dataclass(slots=True)
class ModelState:
    """An online model, or the part of it that one segment has.

    Attributes
    ----------
    model_id, segment
        Which.
    serving
        The version that answers.
    versions
        By their numbers, the one that was told of last at the end.
    step
        The last step that was more than learning; None if there was none.
    """

    model_id: str
    segment: Segment
    serving: int = 0
    versions: dict[int, Version] = field(default_factory=dict)
    step: ModelUpdate | None = None

    def apply(self, update: ModelUpdate) -> None:
        """Take in the next update of this model and segment."""
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
        """The version that answers; None if nothing was told of it yet."""
        return self.versions.get(self.serving)


class ModelStates:
    """All online models that updates tell of.

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
        self._lives: dict[tuple[str, Segment], ModelState] = {}
        self._tags: dict[str, dict[tuple[str, ...], None]] = {}

    def apply(self, update: ModelUpdate) -> None:
        """Take in the next update."""
        segment = segment_of(update.segment)
        life = self._lives.get((update.model_id, segment))
        if life is None:
            life = self._lives[update.model_id, segment] = ModelState(update.model_id, segment)
            names = tuple(name for name, _ in segment)
            self._tags.setdefault(update.model_id, {})[names] = None
        life.apply(update)

    def get(self, model_id: str, tags: Mapping[str, str] | None = None) -> ModelState | None:
        """Return the model that answers events with these tags; None if there is none yet."""
        given = tags or {}
        for names in self._tags.get(model_id, ()):
            # An event without the tag belongs to the model of those without it.
            chosen = {name: given.get(name, "") for name in names}
            life = self._lives.get((model_id, segment_of(chosen)))
            if life is not None:
                return life
        return None

    def __iter__(self) -> Iterator[ModelState]:
        return iter(self._lives.values())
