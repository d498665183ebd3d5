"""Which detectors look at which series of a model."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from streamproc.config.detector_spec import DetectorSpec, refuse_of_errors
from streamproc.schemas.section import Path, Section, refuse, refuse_if_any
from streamproc.schemas.series import ESTIMATED, JOINT

_NAMED: Final = ("feature:", "prediction:", "quality:", "metric:")
_SINGLE: Final = ("prediction", "error")
_SERIES_EXPECTED: Final = (
    "matches no series: expected a glob of feature:<name>, prediction, prediction:<class>,"
    " quality:<name>, error, metric:<name>, or features: all numeric ones together"
)


def unreachable(globs: Sequence[str], key: str) -> list[tuple[Path, str]]:
    """Find entries that can never be the first to match."""
    problems: list[tuple[Path, str]] = []
    for place, glob in enumerate(globs):
        hider = next((k for k, other in enumerate(globs[:place]) if other in {glob, "*"}), None)
        if hider is not None:
            message = f"never reached: entry {hider} matches all that it does; put it before that"
            problems.append(((place, key), message))
    return problems


def _can_match(glob: str) -> bool:
    literal = re.split(r"[*?\[]", glob, maxsplit=1)[0]
    if literal == glob:
        return glob in _SINGLE or glob.startswith(_NAMED)
    return literal.startswith(_NAMED) or any(
        head.startswith(literal) for head in (*_NAMED, *_SINGLE)
    )


def _names_a_series(glob: str) -> str:
    """Refuse what can match no series, above all a feature's bare name."""
    if glob != JOINT and not _can_match(glob):
        hint = f"; for a feature write `feature:{glob}`" if ":" not in glob else ""
        refuse(((), f"{_SERIES_EXPECTED}{hint}"))
    return glob


def _all_different(detectors: tuple[DetectorSpec, ...]) -> tuple[DetectorSpec, ...]:
    first: dict[str, int] = {}
    problems: list[tuple[Path, str]] = []
    for place, spec in enumerate(detectors):
        if first.setdefault(spec.hash, place) != place:
            problems.append(((place,), "is in this list already: every alert would come twice"))
    refuse_if_any(problems)
    return detectors


# Equal to `streamproc.detectors.registry.DEFAULT`, which is not imported here: see `detector_spec`.
_OF_NUMBERS: Final = ("mixture", "page_hinkley")
_OF_CATEGORIES: Final = ("chi2",)
_NUMBERS_ONLY: Final = ("prediction", "error", "metric:", "quality:", JOINT)


_OF_LABELS: Final = ("error", "metric:")
_IN_SEGMENTS: Final = ("feature:", "prediction")


class Watch(Section):
    """Which detectors look at which series."""

    on: Annotated[
        str,
        AfterValidator(_names_a_series),
        Field(
            description="A series, or a glob of them, case-sensitive; the first entry that"
            " matches a series wins. Series: `feature:<name>` (of a list of numbers also"
            " `feature:<name>:norm`, `:direction` and `:mmd`), `prediction`,"
            " `prediction:<class>`, `quality:<name>` (missing values); once labels come `error`,"
            " `metric:log_loss`, `metric:brier`, `metric:squared_error`, `metric:floor`,"
            " `metric:coverage`, `metric:release` and `metric:estimated` (what predictions without"
            " labels let expect). `features`, which no glob matches: how the"
            " numeric features vary together, such as a correlation that breaks.",
            examples=["feature:*"],
        ),
    ]
    detectors: Annotated[
        tuple[DetectorSpec, ...],
        AfterValidator(_all_different),
        Field(
            strict=False,
            description="Names, or `{name: {parameter: value}}`. Each series takes those that can"
            " read its values; if none of them can, the default: `mixture` and `page_hinkley` for"
            " numbers, `chi2` for texts. An empty list: do not watch.",
            examples=[["adwin", {"page_hinkley": {"threshold": 20}}]],
        ),
    ]
    whiten: Annotated[
        bool,
        Field(
            description="Whether the detectors read what is new in each value, for series whose"
            " values follow from those before; such a series is blind for 500 values, not 200.",
            examples=[True],
        ),
    ] = False
    follow: Annotated[
        bool,
        Field(
            description="Whether a series is followed over its whole life: values far outside of"
            " its range, a frozen feed, more decimals than ever before and, where values depend on"
            " each other, what breaks its daily profile fire; the detectors' alarms on such a"
            " series are `pending`. false: every alarm of a detector fires, and nothing else.",
            examples=[False],
        ),
    ] = True

    season: Annotated[
        Literal["daily", "off"] | None,
        Field(
            description="Whether a series of numbers has a daily profile (of the hours, and from"
            " their second time on of those of the week). `daily`: it is compared with that from"
            " its first value on, and alarms of its detectors are `pending`. `off`: never, and they"
            " all fire. null: learned from its values.",
            examples=["daily"],
        ),
    ] = None

    warmup: Annotated[
        int | None,
        Field(
            ge=30,
            le=100_000,
            description="Values that the spread of a series of numbers is learned from, at its"
            " start and after each alarm. Fewer find changes sooner and are more often wrong; more"
            " suit series with heavy tails. null: 200.",
            examples=[500],
        ),
    ] = None

    @model_validator(mode="after")
    def _can_be_whitened(self) -> Self:
        refuse_if_any(
            [
                (("detectors", place), "reads errors as they come: remove it, or `whiten`")
                for place, spec in enumerate(self.detectors)
                if self.whiten and spec.of_errors
            ]
        )
        return self

    @model_validator(mode="after")
    def _with_a_profile(self) -> Self:
        """Refuse a season of series that are not followed."""
        if self.season is not None:
            reason = (
                "`whiten` is true"
                if self.whiten
                else "`follow` is false"
                if not self.follow
                else "series of labels are not followed"
                if self.on.startswith(_OF_LABELS) and self.on != ESTIMATED
                else None
            )
            refuse_if_any([(("season",), f"has no effect: {reason}")] if reason else [])
        return self

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """Refuse detectors of categories where there can be only numbers."""
        if not self.may_be_texts:
            refuse_if_any(
                [
                    (("detectors", place), f"watches texts, and {self.on} is a number")
                    for place, spec in enumerate(self.detectors)
                    if spec.of_categories
                ]
            )
        return self

    @model_validator(mode="after")
    def _reads_distances(self) -> Self:
        """Refuse detectors of right and wrong on distances, of which they would see nothing."""
        if self.on == JOINT:
            refuse_of_errors({("detectors",): self.detectors})
        return self

    def matches(self, *names: str) -> bool:
        """Whether this entry is for a series, by any of its names."""
        if JOINT in {self.on, *names}:
            return names == (self.on,)
        return any(fnmatchcase(name, self.on) for name in names)

    @property
    def may_be_texts(self) -> bool:
        """Whether a series that matches can hold texts."""
        return not self.on.startswith(_NUMBERS_ONLY)

    @property
    def may_be_in_segments(self) -> bool:
        """Whether a series that matches can be a feature or a prediction."""
        literal = re.split(r"[*?\[]", self.on, maxsplit=1)[0]
        if literal == self.on:
            return literal.startswith(_IN_SEGMENTS)
        return any(literal.startswith(head) or head.startswith(literal) for head in _IN_SEGMENTS)

    def readers(self, *, category: bool) -> tuple[DetectorSpec, ...]:
        """Give the detectors for series of categories, or for numbers."""
        found = tuple(spec for spec in self.detectors if spec.of_categories == category)
        if found or not self.detectors:
            return found
        return _default_detectors(_OF_CATEGORIES if category else _OF_NUMBERS)


DEFAULT_WATCH: Final = {"on": "*", "detectors": list(_OF_NUMBERS)}


@cache
def _default_detectors(names: tuple[str, ...]) -> tuple[DetectorSpec, ...]:
    return tuple(map(DetectorSpec.model_validate, names))


def default_watch() -> tuple[Watch, ...]:
    """Return what is watched of a model that does not say."""
    return (Watch.model_validate(DEFAULT_WATCH),)


def every_entry_reached(watch: tuple[Watch, ...]) -> tuple[Watch, ...]:
    """Refuse entries that can never be the first to match a series."""
    globs = [entry.on for entry in watch]
    problems = unreachable(globs, "on")
    if JOINT in globs:  # its first entry is behind no glob
        problems = [each for each in problems if each[0][0] != globs.index(JOINT)]
    refuse_if_any(problems)
    return watch
