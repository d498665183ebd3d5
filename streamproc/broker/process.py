"""Run a child process that exits with its parent and logs to a file."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue

from streamproc.broker.errors import BrokerError

LEASH = Path(__file__).with_name("parent_death.py")
# Enough for a Java stack trace with its causes, and short enough for a terminal.
TAIL_LINES = 40


class Child:
    """One running child process.

    Parameters
    ----------
    command
        The program and its arguments; the program is looked up in ``PATH``.
    log
        File to which standard output and standard error are appended.
    env
        Environment; None: the parent's.

    Raises
    ------
    BrokerError
        The program could not be started.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> log = pathlib.Path(tempfile.mkdtemp()) / "log"
    >>> child = Child(["echo", "ready"], log)
    >>> child.wait(10)
    0
    >>> child.tail()
    'ready'
    """

    def __init__(
        self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        if shutil.which(command[0]) is None:
            raise BrokerError(f"cannot start {command[0]}: no such program; install it")
        self.log = log
        self._ended = threading.Event()
        born: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()
        # The kernel ties the child to the *thread* that started it, so one thread starts it and
        # waits until it has exited; a thread of a pool may end sooner.
        threading.Thread(target=self._live, args=(command, env, born), daemon=True).start()
        process = born.get()
        if isinstance(process, OSError):
            raise BrokerError(f"cannot start {command[0]}: {process}") from process
        self._process = process
        atexit.register(self.kill)

    def _live(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None,
        born: "SimpleQueue[subprocess.Popen[bytes] | OSError]",
    ) -> None:
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
        try:
            with self.log.open("ab") as output:
                process = subprocess.Popen(  # noqa: S603  the command is our own
                    [*leash, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=env,
                    start_new_session=True,  # Ctrl-C is the parent's to handle
                )
        except OSError as error:
            born.put(error)
            return
        born.put(process)
        process.wait()
        self._ended.set()

    @property
    def pid(self) -> int:
        """Process id; meaningful while `running`."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return not self._ended.is_set()

    @property
    def exit_code(self) -> int | None:
        """Exit code, the negative signal number, or None while it runs."""
        return self._process.returncode

    def wait(self, seconds: float) -> int | None:
        """Wait up to `seconds` for the exit; return the exit code, or None on timeout."""
        self._ended.wait(seconds)
        return self.exit_code

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for its exit."""
        self._signal(signal.SIGKILL)
        self._ended.wait()
        atexit.unregister(self.kill)

    def terminate(self, grace: float) -> bool:
        """Ask the process to exit (SIGTERM); kill it after ``grace`` seconds.

        Returns
        -------
        bool
            Whether it exited within the grace period.
        """
        self._signal(signal.SIGTERM)
        in_time = self._ended.wait(grace)
        self.kill()
        return in_time

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of its output."""
        return tail(self.log, lines)

    def _signal(self, number: int) -> None:
        if self.running:
            self._process.send_signal(number)  # no signal is sent once the process was waited for


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return a text file's last lines; empty if the file does not exist."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
