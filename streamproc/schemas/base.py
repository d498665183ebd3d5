"""What every model of the contract has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# A length, even 0, makes pydantic look at the characters: a lone surrogate, which UTF-8 and so
# JSON cannot write, is then refused here and not when an alert that names it is published.
Text = Annotated[str, Field(min_length=0)]
"""Any text that UTF-8 can write."""

ModelId = Annotated[str, Field(min_length=1, max_length=255)]
"""The id of a model: 1 to 255 characters."""


class Contract(BaseModel):
    """A frozen record whose fields are taken as they are, never guessed.

    Strict: ``"1"`` is no number and ``1`` no boolean. NaN and infinity are refused, since JSON
    cannot write them. Unknown fields are ignored, so that newer producers can add some.
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
    """Where a record lies in the log."""

    topic: Annotated[
        str, Field(min_length=1, description="Name of the topic.", examples=["predictions"])
    ]
    partition: Annotated[int, Field(ge=0, description="Partition of the topic.", examples=[0])]
    offset: Annotated[int, Field(ge=0, description="Offset of the record.", examples=[12345])]
