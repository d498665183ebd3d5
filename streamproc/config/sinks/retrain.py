"""Configure the sink that calls what retrains a model."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from streamproc.config.sink import not_empty
from streamproc.config.webhook import Webhook


class RetrainSection(Webhook):
    """Requests to retrain a model, as CloudEvents."""

    only_routed: ClassVar[bool] = True

    kind: Annotated[
        Literal["retrain"],
        Field(
            description="A CloudEvent for each incident of a model that a route leads to this"
            " sink, with the offsets of the events to learn from.",
            examples=["retrain"],
        ),
    ]
    statuses: Annotated[
        tuple[Literal["firing", "updated", "settled"], ...],
        AfterValidator(not_empty),
        Field(
            strict=False,
            description="The first alert of an incident with one of these is sent. `settled` waits"
            " until the new level is stable.",
            examples=[["settled"]],
        ),
    ] = ("firing",)
