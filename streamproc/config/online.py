"""A River model that learns from the stream, and what it does when the world changes."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from streamproc.config.baseline import KEY, Baseline
from streamproc.config.detector_spec import DetectorSpec, refuse_of_errors
from streamproc.config.river_spec import ModelSpec
from streamproc.schemas.base import Text
from streamproc.schemas.section import Section, refuse
from streamproc.schemas.units import Duration

OnDrift = Literal["notify", "reset", "replace", "challenge"]
"""What follows when an online model's own error drifts: see the field's description."""


class Online(Section):
    """A model that answers each event and learns from each label."""

    model: Annotated[
        ModelSpec,
        Field(
            description="Classes of River in their order, each `name` or `{name: {parameter:"
            " value}}`; the last one is a classifier or a regressor.",
            examples=[
                [
                    "preprocessing.StandardScaler",
                    {"linear_model.LogisticRegression": {"l2": 0.001}},
                ]
            ],
        ),
    ]
    on_drift: Annotated[
        OnDrift,
        Field(
            description="When its own error drifts. `notify`: only an alert; `reset`:"
            " an untrained version starts; `replace`: the version trained since the warning takes"
            " over; `challenge`: challengers learn in a shadow test, and a better one takes over.",
            examples=["challenge"],
        ),
    ] = "notify"
    challengers: Annotated[
        tuple[ModelSpec, ...],
        Field(
            strict=False,
            max_length=16,
            description="What `challenge` starts, one challenger each. None: an untrained `model`.",
            examples=[[["naive_bayes.GaussianNB"]]],
        ),
    ] = ()
    detectors: Annotated[
        tuple[DetectorSpec, ...],
        Field(
            strict=False,
            description="What watches its own error. None: `ddm` for a classifier, `page_hinkley`"
            " for a regressor.",
            examples=[["ddm"]],
        ),
    ] = ()
    warning: Annotated[
        tuple[DetectorSpec, ...],
        Field(
            strict=False,
            description="What warns of drift, so that `replace` has a model ready. None: the same"
            " as the defaults of `detectors`, but sooner.",
            examples=[[{"ddm": {"drift_threshold": 2.5}}]],
        ),
    ] = ()
    per: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            max_length=8,
            description="Names of tags: one model for each combination of their values. None:"
            " one for all events.",
            examples=[["shop"]],
        ),
    ] = ()
    max_models: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="Most models of `per` in a partition; what comes beyond is not answered,"
            " counted and alerted once.",
            examples=[10_000],
        ),
    ] = 10_000
    train_for: Annotated[
        int | None,
        Field(
            ge=1,
            description="Labels that each version learns from; then it stays as it is. null: it"
            " learns for ever.",
            examples=[4000],
        ),
    ] = None
    floor: Annotated[
        Baseline | None,
        Field(
            validation_alias=KEY,
            description="The heuristic that always runs beside and has to be beaten: `majority`"
            " class, `last` label, `mean` of the last 100 labels, or a rule. null: `majority` for"
            " a classifier, `mean` for a regressor.",
            examples=["last"],
        ),
    ] = None
    level: Annotated[
        float,
        Field(
            gt=0,
            lt=0.5,
            description="Chance at most of promoting a challenger that is not better, at"
            " whatever time one looks.",
            examples=[0.01],
        ),
    ] = 0.05
    patience: Annotated[
        int,
        Field(
            ge=1,
            description="Labels after which challengers that did not prove better are given up.",
            examples=[10_000],
        ),
    ] = 10_000
    probation: Annotated[
        int,
        Field(
            ge=0,
            description="Labels after a promotion during which the version before it goes on in"
            " the shadow, and answers again if it proves better.",
            examples=[2000],
        ),
    ] = 2000
    keep: Annotated[
        int,
        Field(
            ge=0, le=100, description="Earlier versions that can be rolled back to.", examples=[3]
        ),
    ] = 3
    interval: Annotated[
        Duration,
        Field(
            description="Event time between two updates of what was learned; also sent when no"
            " outcome has come for as long by the clock.",
            examples=["10s"],
        ),
    ] = timedelta(seconds=10)
    pending: Annotated[
        int,
        Field(
            ge=0,
            le=100_000_000,
            description="Max predictions per partition awaiting a label; evicted ones are"
            " recomputed when their label comes.",
            examples=[100_000],
        ),
    ] = 100_000

    @model_validator(mode="after")
    def _seeing(self) -> Self:
        """Refuse detectors that are blind to what a regressor errs by."""
        if self.model.kind == "regressor":
            refuse_of_errors({("detectors",): self.detectors, ("warning",): self.warning})
        return self

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        """Refuse a baseline that cannot predict what the model predicts."""
        if self.model.kind == "regressor" and self.floor == "majority":
            detail = "numbers have no majority class; expected `mean`, `last` or a rule"
            refuse((("baseline",), f"{detail} beside a regressor"))
        if self.model.kind == "classifier" and self.floor == "mean":
            detail = "classes have no mean; expected `majority`, `last` or a rule"
            refuse((("baseline",), f"{detail} beside a classifier"))
        return self
