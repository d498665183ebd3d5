"""Configure the sink for Microsoft Teams."""

from typing import Annotated, Literal

from pydantic import Field

from streamproc.config.sink import Hosts, UrlSection
from streamproc.config.sinks.common import Once


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
    once: Once = "incident"
    allow: Hosts = ("*.logic.azure.com", "*.api.powerplatform.com")
