"""Where a worker accepts events by HTTP, and how many."""

from typing import Annotated

from pydantic import Field

from streamproc.config.http import Http
from streamproc.schemas.units import Size


class HttpIntake(Http):
    """Where events are accepted by HTTP: `POST /events`."""

    port: Annotated[
        int, Field(ge=0, le=65_535, description="Port; 0: any free one.", examples=[9465])
    ] = 9465
    max_bytes: Annotated[
        Size, Field(description="A larger request is refused (413).", examples=["8MiB"])
    ] = 2**20
    events_per_second: Annotated[
        float,
        Field(
            gt=0,
            le=1e9,
            description="Events accepted in the long run, twice as many at once. More are refused"
            " (429), with the seconds to wait.",
            examples=[5000],
        ),
    ] = 2000
