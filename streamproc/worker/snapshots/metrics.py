"""What snapshots cost, as workers and learners show it."""

from collections.abc import Callable

from prometheus_client import Counter

from streamproc.worker.snapshots.snapshots import SnapshotCost


class SnapshotCosts:
    """Sums up what snapshots took.

    Parameters
    ----------
    counter
        Makes a counter of a name, with a text.
    """

    def __init__(self, counter: Callable[[str, str], Counter]) -> None:
        self._bytes = counter("snapshot_bytes_total", "Bytes of snapshots that were written.")
        self._whole = counter(
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
        self._whole.inc(cost.size)
        self._records.inc(cost.records)
        self._cpu.inc(cost.cpu)
