"""What to watch of which models, with which detectors."""

from fnmatch import fnmatchcase
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    Field,
    HttpUrl,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from streamproc.config.baseline import KEY, Baseline
from streamproc.config.detector_spec import DetectorSpec, refuse_of_errors
from streamproc.config.online import Online
from streamproc.config.reference_sample import ReferenceSample
from streamproc.config.rule import MAX_RULES, Rule, named_once
from streamproc.config.segments import Segments
from streamproc.config.silence import Silence
from streamproc.config.watch import (
    DEFAULT_WATCH,
    Watch,
    default_watch,
    every_entry_reached,
    unreachable,
)
from streamproc.schemas.alerts import Severity
from streamproc.schemas.section import Section, refuse, refuse_if_any
from streamproc.schemas.series import ESTIMATED, Task

__all__ = ["DetectorSpec", "ModelConfig", "Watch", "all_reached"]


_LOSSES_OF_NUMBERS: Final = ("error", "metric:squared_error")
_UNORDERED: Final = (
    "learns from the order of values, and rows of `reference` are a sample without one: remove one"
    " of the two"
)
_NOT_IN_SEGMENTS: Final = (
    "watches nothing: no entry of `watch` has detectors for `feature:<name>` or `prediction`"
)
_URL: Final[TypeAdapter[HttpUrl]] = TypeAdapter(HttpUrl)


def _https(url: str) -> str:
    try:
        parsed = _URL.validate_python(url)
    except ValidationError:
        parsed = None
    if parsed is None or parsed.scheme != "https":
        refuse(((), "expected a URL that starts with https://"))
    return url


class ModelConfig(Section):
    """What is known of the models whose ids match, and what to watch of them."""

    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="A model's id, or a glob of ids, case-sensitive; the first entry that"
            " matches wins. A model that no entry matches is watched with the defaults.",
            examples=["fraud", "pricing-*"],
        ),
    ]
    task: Annotated[
        Task | None,
        Field(
            description="Task type. null: inferred from predictions and labels.",
            examples=["binary"],
        ),
    ] = None
    positive: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            description="Label of the positive class, where a prediction is its probability and"
            " labels are texts; every other label is the negative class. null: true or 1.",
            examples=["fraud"],
        ),
    ] = None
    numbers: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            description="Features, or globs of them, whose numbers are sent as text though they"
            " look like codes, such as 64-bit integers of protobuf. Decimal fractions are"
            " recognised without it.",
            examples=[["total_cents"]],
        ),
    ] = ()
    floor: Annotated[
        Baseline | None,
        Field(
            validation_alias=KEY,
            description="The heuristic that the model has to beat, as far as labels tell: the"
            " `majority` class, the `last` label that was known, the `mean` label, or a rule. null:"
            " `majority` of a classifier, `mean` of a regression.",
            examples=["last", {"feature": "amount", "above": 1000, "then": 1, "otherwise": 0}],
        ),
    ] = None
    owner: Annotated[
        str | None,
        Field(description="Who should hear of its alerts.", examples=["risk-oncall"]),
    ] = None
    runbook: Annotated[
        str | None,
        AfterValidator(lambda url: url if url is None else _https(url)),
        Field(
            description="https URL of what to do; each alert repeats it.",
            examples=["https://wiki.example.org/fraud"],
        ),
    ] = None
    severity: Annotated[
        Severity,
        Field(description="How urgent its alerts are.", examples=["critical"]),
    ] = "warning"
    watch: Annotated[
        tuple[Watch, ...],
        AfterValidator(every_entry_reached),
        Field(
            strict=False,
            description="What to watch, the first match first. An empty list: nothing.",
            examples=[[{"on": "feature:*", "detectors": ["adwin"]}]],
            json_schema_extra={"default": [DEFAULT_WATCH]},
        ),
    ] = Field(default_factory=default_watch)
    rules: Annotated[
        tuple[Rule, ...],
        AfterValidator(named_once),
        Field(
            strict=False,
            max_length=MAX_RULES,
            description="What its events have to fulfil, beside what detectors find.",
            examples=[[{"name": "adult", "expression": "age >= 18"}]],
        ),
    ] = ()
    segments: Annotated[
        Segments | None,
        Field(
            description="Tags by whose values these models are watched, too; null: none.",
            examples=[{"tags": ["region"], "largest": 10}],
        ),
    ] = None
    silence: Annotated[
        Silence,
        Field(
            description="When a model that sends no events is reported, while other models of its"
            " partition go on.",
            examples=[{"after": "2h"}],
        ),
    ] = Silence()
    volume: Annotated[
        bool,
        Field(
            description="Whether it is reported when the number of events falls to a quarter of"
            " what is usual at these hours of the week, or below, or doubles, for three hours.",
            examples=[False],
        ),
    ] = True
    reference: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A file of rows as they should be, such as the training data: csv, jsonl"
            " or parquet, its columns named as the features, and `prediction`. Series that are"
            " there are compared with it from their first event on. null: with their first values.",
            examples=["training.parquet"],
        ),
    ] = None
    online: Annotated[
        Online | None,
        Field(
            description="A model that learns from the stream beside these; null: none.",
            examples=[{"model": ["naive_bayes.GaussianNB"], "on_drift": "challenge"}],
        ),
    ] = None

    _baseline: ReferenceSample | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _no_order_in_a_file(self) -> Self:
        refuse_if_any(
            [
                (
                    ("watch", place, "whiten"),
                    _UNORDERED,
                )
                for place, entry in enumerate(self.watch)
                if self.reference is not None and entry.whiten
            ]
        )
        return self

    @property
    def baseline(self) -> ReferenceSample | None:
        """What `reference` holds, once it was read."""
        return self._baseline

    def compared_with(self, baseline: ReferenceSample) -> "ModelConfig":
        """Return the same with what its reference holds."""
        found = self.model_copy()
        found._baseline = baseline  # noqa: SLF001 - of this class
        return found

    @model_validator(mode="after")
    def _with_something_in_segments(self) -> Self:
        """Refuse segments of models of which no feature and no prediction is watched."""
        if self.segments is not None and not any(
            entry.detectors and entry.may_be_in_segments for entry in self.watch
        ):
            refuse((("segments",), _NOT_IN_SEGMENTS))
        return self

    @model_validator(mode="after")
    def _seeing(self) -> Self:
        """Refuse what would leave a series of a regression's losses unwatched."""
        if self.task == "regression":
            places = [self._place(series) for series in _LOSSES_OF_NUMBERS if self.blind(series)]
            refuse_of_errors(
                {("watch", place, "detectors"): self.watch[place].detectors for place in places}
            )
        return self

    def blind(self, series: str) -> tuple[DetectorSpec, ...]:
        """Give the detectors of a series that read nothing of it where losses are numbers.

        They are those of the family of `ddm`, which reads right or wrong. Beside others under a
        glob they are meant for other series.
        """
        place = self._place(series)
        if place < 0:
            return ()
        entry = self.watch[place]
        found = tuple(spec for spec in entry.detectors if spec.of_errors)
        meant = entry.on == series or len(found) == len(entry.detectors)
        return found if meant else ()

    def sends_numbers(self, feature: str) -> bool:
        """Whether integers that are sent as text are numbers of this feature."""
        return any(fnmatchcase(feature, glob) for glob in self.numbers)

    def _place(self, series: str) -> int:
        """Return the place of the entry of `watch` that a series goes by; -1: of none."""
        places = (place for place, entry in enumerate(self.watch) if entry.matches(series))
        return next(places, -1)

    def detectors(self, *names: str, category: bool = False) -> tuple[DetectorSpec, ...]:
        """Give the detectors that look at a series of these models.

        Parameters
        ----------
        *names : str
            Such as ``feature:amount`` or ``prediction``; an embedding's series go by the
            embedding's name too. ``features`` is that of all numeric features together.
        category : bool
            Whether its values are texts.

        Returns
        -------
        tuple of DetectorSpec
            Those of the first entry of ``watch`` that matches, as far as they can read its
            values, else the default for such values; none when no entry matches. Of estimated
            errors, which are neither right nor wrong, none of the family of ``ddm``.
        """
        for entry in self.watch:
            if entry.matches(*names):
                specs = entry.readers(category=category)
                if entry.warmup is not None and not category:
                    specs = tuple(spec.learning_from(entry.warmup) for spec in specs)
                if entry.season is not None and not category:
                    specs = tuple(spec.with_season(entry.season) for spec in specs)
                if names[0] == ESTIMATED:
                    specs = tuple(spec.on_estimates() for spec in specs if not spec.of_errors)
                if not entry.follow:
                    specs = tuple(spec.alone() for spec in specs)
                if entry.whiten and not category:
                    return tuple(spec.whitening() for spec in specs)
                if self._baseline is not None and self._baseline.values(names[0]):
                    return tuple(spec.against(self._baseline.digest) for spec in specs)
                return specs
        return ()

    def segment_detectors(self, tag: str, *names: str) -> tuple[DetectorSpec, ...]:
        """Give the detectors that look at a series of numbers within each value of a tag.

        They are those of the series of all events, with thresholds for a longer run length as far
        as tables reach, so that all segments together add a tenth to its false alarms. They start
        from the segment's first values, since a `reference` does not have tags.
        """
        if self.segments is None or tag not in self.segments.tags:
            return ()
        factor = self.segments.rarer
        return tuple(spec.against("").rarer(factor) for spec in self.detectors(*names))


def all_reached(models: tuple[ModelConfig, ...]) -> tuple[ModelConfig, ...]:
    """Refuse entries that can never be the first to match a model."""
    refuse_if_any(unreachable([model.id for model in models], "id"))
    return models
