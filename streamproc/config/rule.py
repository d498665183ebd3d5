"""What the events of a model have to fulfil, whatever detectors say."""

import hashlib
import re
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from streamproc.config.expression import MAX_LENGTH, ExpressionError, parse
from streamproc.config.expression_nodes import Condition, Reference
from streamproc.config.topics import NAME_PATTERN
from streamproc.schemas.alerts import Severity
from streamproc.schemas.section import Path, Section, refuse, refuse_if_any
from streamproc.schemas.units import Duration

MAX_RULES: Final = 100
MAX_WITHIN: Final = 1_000_000
CONDITIONS: Final = (
    "range",
    "set",
    "regex",
    "missing",
    "monotone",
    "unique",
    "freshness",
    "expression",
)
_WITHOUT_ON: Final = ("freshness", "expression")
_ON_EXPECTED: Final = (
    "expected feature:<name>, prediction or prediction:<class>; rules have no globs"
)
_DIGEST_BYTES: Final = 8

Order = Literal["increasing", "decreasing", "strictly increasing", "strictly decreasing"]


class Range(Section):
    """The smallest and the largest value that is allowed."""

    min: Annotated[
        FiniteFloat | None, Field(description="The smallest; null: no limit.", examples=[0])
    ] = None
    max: Annotated[
        FiniteFloat | None, Field(description="The largest; null: no limit.", examples=[10_000])
    ] = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            refuse(((), "expected `min`, `max` or both"))
        if self.min is not None and self.max is not None and self.min > self.max:
            refuse((("max",), "is below `min`: no value would be in the range"))
        return self


class Unique(Section):
    """Among how many values one may come only once."""

    within: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_WITHIN,
            description="It differs from this number of values before it. A worker holds up to 64"
            " bytes for each of them.",
            examples=[100_000],
        ),
    ] = 100_000


def _names_a_value(series: str) -> str:
    kind, _, name = series.partition(":")
    known = bool(name) if kind == "feature" else kind == "prediction" and series != "prediction:"
    if not known:
        hint = f": write `feature:{series}`" if ":" not in series else ""
        refuse(((), f"{_ON_EXPECTED}{hint}"))
    return series


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        refuse(((), f"is not a regular expression: {error}"))
    return pattern


def _parses(expression: str) -> str:
    try:
        parse(expression)
    except ExpressionError as error:
        refuse(((), str(error)))
    return expression


def _of_one_kind(values: tuple[bool | float | str, ...]) -> tuple[bool | float | str, ...]:
    texts = sum(isinstance(value, str) for value in values)
    if texts not in {0, len(values)}:
        refuse(((), "has texts and numbers: a feature is of one kind; put texts in quotes"))
    return values


Allowed = Annotated[
    tuple[bool | FiniteFloat | str, ...],
    AfterValidator(_of_one_kind),
    Field(strict=False, min_length=1, max_length=10_000),
]


ValueName = Annotated[str, Field(max_length=1100), AfterValidator(_names_a_value)]
Pattern = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_compiles)]
ExpressionText = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH), AfterValidator(_parses)]


class Rule(Section):
    """One condition that each event has to fulfil, and how many may violate it."""

    name: Annotated[
        str,
        Field(
            max_length=100,
            pattern=NAME_PATTERN,
            description="Its name in alerts, whose series is `rule:<name>`: letters, digits, dots,"
            " underscores and hyphens.",
            examples=["amount_in_range"],
        ),
    ]
    on: Annotated[
        ValueName | None,
        Field(
            description="What it is about: `feature:<name>`, `prediction` or `prediction:<class>`;"
            " not of `freshness` and `expression`.",
            examples=["feature:amount"],
        ),
    ] = None
    range: Annotated[
        Range | None,
        Field(description="The numbers that are allowed.", examples=[{"min": 0, "max": 10_000}]),
    ] = None
    set: Annotated[
        Allowed | None,
        Field(
            description="The values that are allowed: texts, or numbers.",
            examples=[["DE", "FR"]],
        ),
    ] = None
    regex: Annotated[
        Pattern | None,
        Field(
            description="A regular expression of Python that a text has to match as a whole.",
            examples=["[A-Z]{2}[0-9]{2}.*"],
        ),
    ] = None
    missing: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="The largest share of events without a value; 0: each must have one.",
            examples=[0.05],
        ),
    ] = None
    monotone: Annotated[
        Order | None,
        Field(
            description="How each value compares with the one before it in the model's partition.",
            examples=["increasing"],
        ),
    ] = None
    unique: Annotated[
        Unique | None,
        Field(
            description="Each value differs from those before it in the model's partition.",
            examples=[{"within": 100_000}],
        ),
    ] = None
    freshness: Annotated[
        Duration | None,
        Field(
            description="The longest time from `ts` of an event to the timestamp of its record.",
            examples=["15m"],
        ),
    ] = None
    expression: Annotated[
        ExpressionText | None,
        Field(
            description="A condition on features, `prediction` and tags; docs/rules.md has its"
            " grammar.",
            examples=["age >= 18 and amount < 10 * limit"],
        ),
    ] = None
    most: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="The largest share of judged events that may violate it. 0: the first that"
            " does is reported; more: a rate that is higher for sure, twice as high or more.",
            examples=[0.01],
        ),
    ] = 0.0
    severity: Annotated[
        Severity | None,
        Field(
            description="How urgent its alerts are; null: as the model's.", examples=["critical"]
        ),
    ] = None

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        given = [each for each in CONDITIONS if getattr(self, each) is not None]
        if len(given) != 1:
            found = f"got {' and '.join(given)}" if given else "got none"
            refuse(((), f"expected exactly one of {', '.join(CONDITIONS)}, {found}"))
        problems: list[tuple[Path, str]] = []
        if (self.on is None) != (given[0] in _WITHOUT_ON):
            wrong = "has no `on`" if self.on is not None else f"needs `on`: {_ON_EXPECTED}"
            problems.append((("on",), f"a rule with `{given[0]}` {wrong}"))
        if self.missing is not None and self.most:
            problems.append((("most",), "`missing` is the largest share already: remove `most`"))
        refuse_if_any(problems)
        return self

    @property
    def condition(self) -> str:
        """Which of `CONDITIONS` it has."""
        return next(each for each in CONDITIONS if getattr(self, each) is not None)

    @property
    def share(self) -> float:
        """The largest share of events that may violate it."""
        return self.most if self.missing is None else self.missing

    @cached_property
    def parsed(self) -> Condition | None:
        """Its expression."""
        return None if self.expression is None else parse(self.expression)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The names that it reads, in their order."""
        if self.parsed is not None:
            return self.parsed.references()
        if self.on is None:
            return ()
        kind, _, name = self.on.partition(":")
        text = self.regex is not None or isinstance((self.set or (0.0,))[0], str)
        if kind == "feature":
            return (Reference("feature", name, text),)
        return (Reference("class", name) if name else Reference("prediction", kind, text),)

    @property
    def of_predictions(self) -> bool:
        """Whether it reads predictions, which events of the topic of features do not have."""
        return any(each.origin in {"prediction", "class"} for each in self.references)

    @cached_property
    def digest(self) -> str:
        """Identifies all of it that its counts depend on."""
        # Of a rule without `unique` it is that of versions which did not have it.
        without = {"severity"} if self.unique is not None else {"severity", "unique"}
        text = self.model_dump_json(exclude=without)
        return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def named_once(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Refuse two rules of one name: their alerts would be of one series."""
    first: dict[str, int] = {}
    refuse_if_any(
        [
            ((place, "name"), f"is the name of entry {first[rule.name]} already")
            for place, rule in enumerate(rules)
            if first.setdefault(rule.name, place) != place
        ]
    )
    return rules
