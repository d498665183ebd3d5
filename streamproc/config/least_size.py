"""Configure how large a change has to be to page somebody."""

from typing import Annotated

from pydantic import Field

from streamproc.schemas.section import Section


class LeastSize(Section):
    """The size below which a change has the severity `info`, however significant it is."""

    deviations: Annotated[
        float,
        Field(
            ge=0.0,
            le=100.0,
            description="Of numbers: by how many of their standard deviations the mean moves. 0:"
            " every change of the mean pages.",
            examples=[0.25],
        ),
    ] = 0.25
    factor: Annotated[
        float,
        Field(
            ge=1.0,
            le=1000.0,
            description="By which factor rates, errors, and the mean and standard deviation of"
            " numbers rise or fall. 1: every such change pages.",
            examples=[1.25],
        ),
    ] = 1.25
    share: Annotated[
        float,
        Field(
            ge=0.0,
            le=1.0,
            description="Of texts: which part of the values moves from some to others. 0: every"
            " change of the shares pages.",
            examples=[0.05],
        ),
    ] = 0.05
