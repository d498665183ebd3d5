"""Count the cost of snapshots, for workers and processes of online models."""

from collections.abc import Callable

from prometheus_client import Counter

from streamproc.worker.snapshots.snapshots import SnapshotCost


class SnapshotCosts:
    """Sum the cost of snapshots.

    Parameters
    ----------
    counter
        Registers a counter from its name and help text.
    """

    def __init__(self, counter: Callable[[str, str], Counter]) -> None:
        self._bytes = counter("snapshot_bytes_total", "Bytes of snapshots that were written.")
        self._state_bytes = counter(
            "snapshot_state_bytes_total",
            "Bytes of the states that were written down; what had not changed was left out.",
        )
        self._records = counter("snapshot_records_total", "Records that snapshots were cut into.")
        self._cpu = counter(
            "snapshot_cpu_seconds_total", "Seconds of the CPU used while snapshots were written."
        )

    def add(self, cost: SnapshotCost) -> None:
        """Count a snapshot."""
        self._bytes.inc(cost.bytes)
        self._state_bytes.inc(cost.size)
        self._records.inc(cost.records)
        self._cpu.inc(cost.cpu)
