"""Measure the latency from event to alert, with a worker, a source and a sink."""

from pathlib import Path
from typing import Any

from streamproc.tools.bench.jobs.worker_process import running
from streamproc.tools.bench.process import Job, answer, finish, settings, start


def main() -> None:
    """Run the three, and pass on what source and sink saw."""
    options = settings()
    if options["floor"]:  # what broker and clients take alone: the sink reads the events
        answer(options, _measure(options))
        return
    with running(options, "worker"):
        answer(options, _measure(options))


def _measure(options: dict[str, Any]) -> dict[str, Any]:
    folder = Path(options["folder"])
    jobs = [
        Job("latency", "jobs.alert_probe", options, "sink"),
        Job("latency", "jobs.load_generator", options, "source"),
    ]
    children = [start(job, folder / job.label) for job in jobs]
    figures = [
        finish(job, child, folder / job.label) for job, child in zip(jobs, children, strict=True)
    ]
    return figures[0] | figures[1]


if __name__ == "__main__":
    main()
