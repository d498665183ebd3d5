import logging

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError

from streamproc.worker.logs import STARTING_SECONDS, StartIsNoError

COORDINATOR = "aiokafka.consumer.group_coordinator"
FAILED = "Group Coordinator Request failed: %s"


@pytest.mark.parametrize(
    ("seconds", "name", "error", "level"),
    [
        (1.0, COORDINATOR, GroupCoordinatorNotAvailableError(), logging.INFO),
        (STARTING_SECONDS, COORDINATOR, GroupCoordinatorNotAvailableError(), logging.ERROR),
        (1.0, COORDINATOR, GroupAuthorizationFailedError(), logging.ERROR),
        (1.0, "aiokafka.conn", GroupCoordinatorNotAvailableError(), logging.ERROR),
    ],
)
def test_a_first_start_logs_no_error_while_kafka_prepares_the_group(
    seconds: float, name: str, error: Exception, level: int
) -> None:
    """What passes by itself within seconds is info; what lasts or needs somebody is an error."""
    now = [100.0]
    start = StartIsNoError(lambda: now[0])
    now[0] += seconds
    record = logging.LogRecord(name, logging.ERROR, "", 0, FAILED, (error,), None)

    assert start.filter(record)
    assert record.levelno == level
    assert record.levelname == logging.getLevelName(level)
