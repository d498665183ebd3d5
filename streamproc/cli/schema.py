"""``streamproc schema``."""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile


class Document(StrEnum):
    """What can be described."""

    CONFIG = "config"
    EVENTS = "events"
    ASYNCAPI = "asyncapi"


def schema(
    document: Annotated[Document, typer.Argument(help="What to describe.", show_default=False)],
    *,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print the schema of config, events or topics.

    config and events are JSON Schema; asyncapi is an AsyncAPI document, in YAML, of all topics
    with their names, messages, headers, broker and login as --config has them.
    """
    sys.stdout.write(_described(document, config, broker))


def _described(document: Document, config: ConfigFile, broker: Broker) -> str:
    if document is Document.ASYNCAPI:
        return _asyncapi(config, broker)
    from streamproc.config.json_schema import config_schema, events_schema  # noqa: PLC0415  --help

    described = config_schema() if document is Document.CONFIG else events_schema()
    return json.dumps(described, indent=2) + "\n"


def _asyncapi(config: ConfigFile, broker: Broker) -> str:
    import yaml  # noqa: PLC0415  --help

    from streamproc.cli.asyncapi import asyncapi_document  # noqa: PLC0415  --help
    from streamproc.client.settings import settle_client  # noqa: PLC0415  --help

    found = asyncapi_document(settle_client(broker, config))
    # Of JSON first: no value is shared, for which YAML would write anchors.
    text = yaml.safe_dump(
        json.loads(json.dumps(found)), sort_keys=False, allow_unicode=True, width=100
    )
    return str(text)
