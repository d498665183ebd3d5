"""Payload of the promote and rollback commands."""

from typing import Annotated

from pydantic import Field

from streamproc.schemas.base import ModelId, Text
from streamproc.schemas.section import Section


class Choice(Section):
    """The payload of the commands `promote` and `rollback`."""

    model_id: Annotated[ModelId, Field(description="Which model.", examples=["fraud"])]
    segment: Annotated[
        dict[Text, Text] | None,
        Field(description="The part of a model of `per`; null: all.", examples=[{"shop": "7"}]),
    ] = None
    version: Annotated[
        int | None,
        Field(
            ge=0,
            description="The version that is to answer; null: for `promote` the best challenger,"
            " for `rollback` the version that answered before.",
            examples=[3],
        ),
    ] = None
