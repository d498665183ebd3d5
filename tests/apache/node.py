"""One Apache Kafka process."""

import os
from pathlib import Path
from signal import Signals

from apache.distribution import jars, java
from apache.settings import LOG4J, NodePlan

from streamproc.broker.process import Child, tail

FORMAT_SECONDS = 60.0
STOP_SECONDS = 60.0


class Node:
    """A broker and controller in one process, with its folder.

    Parameters
    ----------
    plan
        Its number, ports and folder. The folder keeps data, settings and ``server.log``.
    properties
        The text of its settings.
    """

    def __init__(self, plan: NodePlan, properties: str) -> None:
        self.plan = plan
        self.log = plan.folder / "server.log"
        self._child: Child | None = None
        plan.folder.mkdir(parents=True, exist_ok=True)
        self._settings = plan.folder / "server.properties"
        self._settings.write_text(properties)
        (plan.folder / "log4j2.yaml").write_text(LOG4J)

    @property
    def formatted(self) -> bool:
        """Whether its data directory belongs to a cluster already."""
        return (self.plan.folder / "data" / "meta.properties").exists()

    @property
    def child(self) -> Child | None:
        """The running process, if there is one."""
        return self._child if self._child is not None and self._child.running else None

    def format(self, cluster_id: str) -> Child:
        """Begin to write the data directory's identity; the caller waits for the end."""
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._settings)]
        return Child([*self._java("64m"), *tool], self.log)

    def start(self) -> None:
        """Begin to run it; that it answers is for the cluster to await."""
        if self.child is None:
            command = [*self._java("384m"), "kafka.Kafka", str(self._settings)]
            self._child = Child(command, self.log)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._child is not None:
            self._child.kill()

    def signal(self, number: Signals) -> None:
        """Send it a signal."""
        if self.child is not None:
            os.kill(self.child.pid, number)

    def stop(self) -> None:
        """End it with SIGTERM, as an operator would."""
        if self._child is not None:
            self._child.terminate(STOP_SECONDS)

    def tail(self) -> str:
        """Return the last lines of its log."""
        return tail(self.log)

    def _java(self, heap: str) -> list[str]:
        return [
            java(),
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",  # the smallest and the least threads, for a small machine
            "-XX:TieredStopAtLevel=1",  # it lives for minutes: no gain from more
            f"-Dlog4j2.configurationFile={self.plan.folder / 'log4j2.yaml'}",
            "-cp",
            str(Path(jars()) / "*"),
        ]
