"""The rows in which records are not as they should be; and the test of the test."""

from pathlib import Path

import pytest
from faults.brokers import Broker
from faults.chosen import OF_RECORDS, SEED, passes, runnable, site
from faults.matrix import Failed, Row
from faults.workers import lane


@pytest.mark.kafka
@pytest.mark.parametrize("row", runnable(OF_RECORDS), ids=lambda row: row.name)
async def test_a_fault_costs_nothing(row: Row, broker: Broker, tmp_path: Path) -> None:
    """Whatever the topics hold, every other record counts as if it were alone."""
    await passes(row, broker, tmp_path)


@pytest.mark.kafka
@pytest.mark.parametrize("build", ["acknowledges first", "saves first"])
async def test_a_hasty_build_fails(build: str, broker: Broker, tmp_path: Path) -> None:
    """A build that acknowledges, or saves its state, before it publishes does not get through."""
    with pytest.raises(Failed, match="is missing"):
        await lane(site(broker, tmp_path, build), ["before_alert"], SEED, hasty=build)
