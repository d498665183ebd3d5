"""A real schema registry on loopback, in memory."""

import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from apache.settings import HOST, free_ports
from apicurio.distribution import command

from streamproc.broker.process import Child, tail

READY_SECONDS = 120.0
STOP_SECONDS = 30.0


class RegistryStartError(Exception):
    """It did not come up; the message holds the end of its log."""


class Apicurio:
    """Apicurio Registry, which answers Confluent's API, too; it ends with the `with` block.

    Stopped and started again it is at the same address, and has forgotten all schemas: registered
    again in the same order, they have the same ids.

    Raises
    ------
    RegistryMissingError
        Java or Maven is missing, or Maven Central does not answer.
    """

    def __init__(self, folder: Path) -> None:
        [self.port] = free_ports(1)
        self._command = command(self.port)
        self._log = folder / "registry.log"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address of Confluent's API."""
        return self.url_at(self.port)

    @staticmethod
    def url_at(port: int) -> str:
        """Return the address of Confluent's API at a port: that of a detour, for example."""
        return f"http://{HOST}:{port}/apis/ccompat/v7"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = Child(self._command, self._log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if not self._child.running or time.monotonic() > deadline:
                raise RegistryStartError(
                    f"Apicurio does not answer; its log ends:\n{tail(self._log)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """End it with SIGTERM."""
        if self._child is not None:
            self._child.terminate(STOP_SECONDS)
            self._child = None

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
