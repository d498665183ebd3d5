"""``streamproc schema``."""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What can be described."""

    CONFIG = "config"
    EVENTS = "events"


def schema(
    document: Annotated[Document, typer.Argument(help="What to describe.", show_default=False)],
) -> None:
    """Print the JSON Schema of config or events."""
    from streamproc.config.json_schema import config_schema, events_schema  # noqa: PLC0415  --help

    described = config_schema() if document is Document.CONFIG else events_schema()
    sys.stdout.write(json.dumps(described, indent=2) + "\n")
