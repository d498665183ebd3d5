"""Look up which detectors watch a series, by the configuration of its model."""

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from typing import Final

from streamproc.config.detector_spec import DetectorSpec
from streamproc.config.model import ModelConfig
from streamproc.decode.event_schema import EventSchema, WatchKey
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.layout_groups import LayoutGroups
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import ESTIMATED, JOINT

_EVERY: Final = "*"
MakeGroup = Callable[[tuple[DetectorSpec, ...]], DetectorGroup | None]


def specs_of(config: ModelConfig, shape: EventSchema, name: str) -> tuple[DetectorSpec, ...]:
    """Return the configured detectors of a series."""
    of_segment = segment_of(name)
    if of_segment is not None:
        return config.segment_detectors(of_segment.tag, of_segment.series)
    asked = shape.asked().get(name, WatchKey((name,)))
    return config.detectors(*asked.names, category=asked.category)


def groups_of(
    shape: EventSchema, lookup: "GroupLookup", before: LayoutGroups | None = None
) -> Iterator[tuple[str, DetectorGroup | None]]:
    """Yield each series of a schema with its detector group.

    Parameters
    ----------
    shape, lookup
        The schema, and the detector groups of its models' configuration.
    before
        Groups of the same models before their schema has grown, which are taken over: what growth
        costs depends on what is new, then.
    """
    asked = shape.asked() if shape.others else {}
    # A series of an embedding and one of a plain feature may have one name.
    known = {} if before is None or shape.lists else before.by_name
    for name in shape.series():
        if name in known:
            yield name, known[name]
        elif (key := asked.get(name)) is None:
            yield name, lookup.group(name)
        else:
            yield name, lookup.group(*key.names, category=key.category)


def quality_groups_of(
    shape: EventSchema, lookup: "GroupLookup", before: LayoutGroups | None = None
) -> list[DetectorGroup | None]:
    """Return the detector group of each feature's missing-value series; as `groups_of`."""
    known = {} if before is None else before.quality_by_name()
    return [
        known[name] if name in known else lookup.group(f"quality:{name}") for name in shape.named
    ]


def key_of(specs: tuple[DetectorSpec, ...]) -> tuple[str, ...]:
    """Return the key of a set of detectors: the hashes of their settings."""
    return tuple(spec.hash for spec in specs)


class GroupLookup:
    """The detector groups of all series of models with the same configuration.

    The configuration is read once for each of its `watch` entries, since that takes several
    microseconds: as much as a new series takes otherwise.

    Parameters
    ----------
    config
        The configuration.
    group_of
        Returns the group of a set of detectors, None for no detectors; called once a set.

    Attributes
    ----------
    baseline
        What the configuration's `reference` holds.
    """

    def __init__(self, config: ModelConfig, group_of: MakeGroup) -> None:
        self._config, self._group_of = config, group_of
        self.baseline = config.baseline
        self._matches = [_match(entry.on) for entry in config.watch]
        joint = (place for place, entry in enumerate(config.watch) if entry.on == JOINT)
        self._joint = next(joint, -1)
        self._known: dict[tuple[int, bool, bool, bool], DetectorGroup | None] = {}
        self._of_segments: dict[tuple[int, str, bool], DetectorGroup | None] = {}

    def group(self, *names: str, category: bool = False) -> DetectorGroup | None:
        """Return the detector group of a series; parameters as of `ModelConfig.detectors`."""
        if (found := segment_of(names[0])) is not None:  # of an estimated error
            return self.segment_group(found.tag, found.series)
        place = self._place(names)
        compared = self.baseline is not None and bool(self.baseline.values(names[0]))
        key = place, category, compared, names[0] == ESTIMATED
        if key not in self._known:
            specs = self._config.detectors(*names, category=category)
            self._known[key] = self._group_of(specs)
        return self._known[key]

    def segment_group(self, tag: str, name: str) -> DetectorGroup | None:
        """Return the detector group of a series of numbers within the values of a tag."""
        key = self._place((name,)), tag, name == ESTIMATED
        if key not in self._of_segments:
            specs = self._config.segment_detectors(tag, name)
            self._of_segments[key] = self._group_of(specs)
        return self._of_segments[key]

    def _place(self, names: Sequence[str]) -> int:
        """Return the place of the first entry of `watch` that matches; -1 without one."""
        if JOINT in names:
            return self._joint
        for place, match in enumerate(self._matches):
            if match is None or any(match(name) for name in names):
                return place
        return -1


def _match(glob: str) -> Callable[[str], re.Match[str] | None] | None:
    """Return what matches a name with a pattern; None if every name matches."""
    return None if glob == _EVERY else re.compile(translate(glob)).match
