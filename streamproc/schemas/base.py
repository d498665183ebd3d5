"""Define the base of all event and alert schemas."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# With a length constraint, even 0, pydantic rejects lone surrogates: UTF-8 cannot encode them, and
# publishing an alert with one would fail.
Text = Annotated[str, Field(min_length=0)]
"""A string that UTF-8 can encode."""

ModelId = Annotated[str, Field(min_length=1, max_length=255)]
"""The id of a model: 1 to 255 characters."""


class Contract(BaseModel):
    """A frozen record with strictly typed fields.

    ``"1"`` is not a number, and ``1`` is not a boolean. NaN and infinity are rejected, since JSON
    has neither. Unknown fields are ignored, so that newer producers can add fields.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,  # we write every field
        protected_namespaces=(),  # `model_id` and `model_version` are the contract's names
    )


class Source(Contract):
    """Coordinates of a record: topic, partition and offset."""

    topic: Annotated[
        str, Field(min_length=1, description="Name of the topic.", examples=["predictions"])
    ]
    partition: Annotated[int, Field(ge=0, description="Partition of the topic.", examples=[0])]
    offset: Annotated[int, Field(ge=0, description="Offset of the record.", examples=[12345])]
