"""Run a program that must not outlive the process which started it.

``python parent_death.py PARENT_PID PROGRAM ARGUMENT...`` asks the kernel to kill this process when
its parent ends, however that ends, and then becomes the program. Linux alone has such a request;
elsewhere only an orderly exit of the parent ends the program (see `streamproc.broker.process`).

It is a program of its own, rather than code between fork and exec, because such code may
deadlock in a parent with threads.
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
        if os.getppid() != parent:  # it ended before the request was made
            return
    os.execvp(command[0], command)  # noqa: S606  the command is our own, no shell wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
