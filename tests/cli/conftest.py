"""Running the command line in a test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from broker_topics import own_topics
from typer.testing import CliRunner, Result

from streamproc.broker import EmbeddedBroker
from streamproc.cli.main import app
from streamproc.config.config import Config

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Return what runs ``streamproc`` with some arguments."""

    def _run(*arguments: object, stdin: str = "") -> Result:
        result = CliRunner().invoke(app, list(map(str, arguments)), stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return _run


@pytest.fixture
def config(embedded_broker: EmbeddedBroker) -> Config:
    """Topics of the test's own."""
    return own_topics(embedded_broker.bootstrap)


@pytest.fixture
def config_file(config: Config, tmp_path: Path) -> Path:
    """Return the same as a file."""
    path = tmp_path / "streamproc.yaml"
    # YAML reads JSON.
    path.write_text(
        json.dumps({"broker": config.broker, "topics": {"prefix": config.topics.prefix}})
    )
    return path
