"""`streamproc worker` that stands still within a snapshot when it is told to: SIGSTOP to itself.

Run as a program with the path of a config file and a JSON object: `order`, a file that names the
step at which it is to stop, if it is there; the worker then writes into `nap` whose snapshot that
was, and removes the order. It does so once as the owner that it is then.
"""

import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":  # run as a program: let the tests' modules be found
    HERE = Path(__file__).parents[1]
    sys.path[:0] = [str(HERE), str(HERE.parent)]

import streamproc.worker.wiring as build
from streamproc.cli.main import main
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.snapshots.records import MANIFEST, Key
from streamproc.worker.snapshots.store import SnapshotStore, Written

STEPS = ("before_snapshot", "in_snapshot")  # published; and with all written but the manifest


class SleepyStore(SnapshotStore):
    """Stops the process when it comes by a step that it was told."""

    order: Path
    nap: Path
    slept = -1  # as the owner of this epoch

    async def write(
        self,
        key: Key,
        sections: Sequence[bytes],
        following: int,
        held: Mapping[Key, int | None],
        mark: RecordMark | None = None,
    ) -> Written:
        """Write a snapshot, perhaps much later."""
        self._passes("before_snapshot", key)
        return await super().write(key, sections, following, held, mark)

    async def _send(self, some: Iterable[tuple[Key, bytes | None]]) -> None:
        # Only the chunks come as an iterator.
        key, value = some[0] if isinstance(some, list) and some else (None, None)
        if key is not None and key.part == MANIFEST and value is not None:
            self._passes("in_snapshot", key)
        await super()._send(some)

    def _passes(self, step: str, key: Key) -> None:
        if key.epoch <= self.slept or not self.order.exists() or self.order.read_text() != step:
            return
        self.slept = key.epoch
        self.nap.write_bytes(key.pack())
        self.order.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    config, plan = sys.argv[1], json.loads(sys.argv[2])
    SleepyStore.order, SleepyStore.nap = Path(plan["order"]), Path(plan["nap"])
    build.SnapshotStore = SleepyStore  # type: ignore[misc]
    sys.argv = ["streamproc", "worker", "--config", config, *sys.argv[3:]]
    main()
