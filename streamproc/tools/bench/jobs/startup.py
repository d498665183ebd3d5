"""Measure seconds from the start of ``streamproc worker`` until it is ready."""

from streamproc.tools.bench.jobs.worker_process import running
from streamproc.tools.bench.process import answer, settings


def main() -> None:
    """Start it once and stop it."""
    options = settings()
    with running(options, "worker") as worker:
        answer(options, {"seconds": worker.seconds})


if __name__ == "__main__":
    main()
