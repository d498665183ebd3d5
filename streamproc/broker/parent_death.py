"""Run a program that must not outlive its parent process.

``python parent_death.py PARENT_PID PROGRAM ARGUMENT...`` asks the kernel to kill this process when
its parent exits for any reason, and then executes the program. Only Linux supports this; elsewhere
only a regular exit of the parent ends the program (see `streamproc.broker.process`).

It is a separate program, rather than code between fork and exec, which may deadlock in a parent
with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to its parent and become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent exited before the request
            return
    os.execvp(command[0], command)  # noqa: S606  the command is our own, no shell wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
