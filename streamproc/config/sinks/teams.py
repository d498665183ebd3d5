"""Configure the sink for Microsoft Teams."""

from typing import Annotated, Literal

from pydantic import Field

from streamproc.config.sink import Hosts, UrlSection


class TeamsSection(UrlSection):
    """Cards in a channel or chat of Microsoft Teams."""

    kind: Annotated[
        Literal["teams"],
        Field(
            description="A card for each alert, by a workflow that starts when a webhook request"
            " is received.",
            examples=["teams"],
        ),
    ]
    allow: Hosts = ("*.logic.azure.com", "*.api.powerplatform.com")
