"""The rows in which workers are killed, stopped, replaced and kept from their broker."""

from pathlib import Path

import pytest
from faults.brokers import Broker
from faults.chosen import OF_WORKERS, passes, runnable
from faults.matrix import Row


@pytest.mark.kafka
@pytest.mark.parametrize("row", runnable(OF_WORKERS), ids=lambda row: row.name)
async def test_a_fault_costs_nothing(row: Row, broker: Broker, tmp_path: Path) -> None:
    """Whatever happens to a worker, its topics and its state end as if nothing had happened."""
    await passes(row, broker, tmp_path)
