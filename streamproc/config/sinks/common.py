"""Settings that several kinds of sinks share."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from streamproc.config.sink import not_empty
from streamproc.schemas.alerts import Status
from streamproc.schemas.section import refuse


def _no_pending(value: tuple[Status, ...]) -> tuple[Status, ...]:
    if "pending" in value:
        refuse(((), "expected statuses of incidents: a `pending` alert would open one there"))
    return value


IncidentStatuses = Annotated[
    tuple[Status, ...],
    AfterValidator(not_empty),
    AfterValidator(_no_pending),
    Field(
        strict=False,
        description="Alerts with one of these are sent; not `pending`, which would open an"
        " incident there.",
        examples=[["firing", "resolved"]],
    ),
]
"""The statuses of a receiver that opens an incident for every alert that does not end one."""

Once = Annotated[
    Literal["incident", "alert"],
    Field(
        description="What is sent once: each page of an incident, which joins the models with one"
        " cause, its acknowledgement and its end; or each alert of a model.",
        examples=["incident"],
    ),
]
"""Whether a sink follows incidents or alerts."""
