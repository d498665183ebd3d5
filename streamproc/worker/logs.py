"""Configure logging: format, levels, and rate limits for libraries."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final

import structlog

# A client without its broker logs three kinds of lines, each ten times a second.
AGAIN_SECONDS: Final = 60.0
_CHATTY: Final = ("aiokafka", "faust", "mode")
# Kafka creates the topic of committed offsets when the first group starts, which takes seconds;
# the client retries until then.
STARTING_SECONDS: Final = 30.0
_COORDINATOR: Final = "aiokafka.consumer.group_coordinator"
_COORDINATOR_ABSENT: Final = ("Group Coordinator Request failed", "Marking the coordinator dead")
# Faust logs each service that starts or stops under the name of our module.
_FAUST_SPEAKS: Final = ("streamproc.worker.app", "streamproc.driver")


class OncePerMinute(logging.Filter):
    """Pass each kind of log line of the client libraries once a minute.

    Parameters
    ----------
    clock
        Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._logged: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written."""
        if record.levelno < logging.WARNING and record.name.startswith(_FAUST_SPEAKS):
            return False
        if record.name.partition(".")[0] not in _CHATTY:
            return True
        # The unformatted message identifies the kind; there are only a few of them.
        kind, now = (record.name, str(record.msg)[:80]), self._clock()
        if now - self._logged.get(kind, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        self._logged[kind] = now
        return True


class StartIsNoError(logging.Filter):
    """Lower to info what the client logs while a new cluster starts its group coordinator.

    Parameters
    ----------
    clock
        Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the level of the record if needed; return True, it is always written."""
        if (
            record.name == _COORDINATOR
            and str(record.msg).startswith(_COORDINATOR_ABSENT)
            and all(getattr(value, "retriable", True) for value in record.args or ())
            and self._clock() - self._began < STARTING_SECONDS
        ):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return True


def log_to_stderr() -> None:
    """Write logs to stderr: readable lines on a terminal, JSON elsewhere."""
    terminal = sys.stderr.isatty()
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    handler.addFilter(StartIsNoError())
    handler.addFilter(OncePerMinute())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("streamproc").setLevel(logging.INFO)
