"""From an event's making to its alert's arrival: a worker, a source and a sink side by side."""

from pathlib import Path
from typing import Any

from streamproc.tools.bench.jobs.worker_process import running
from streamproc.tools.bench.process import Job, answer, finish, settings, start


def main() -> None:
    """Run the three, and pass on what source and sink saw."""
    told = settings()
    if told["floor"]:  # what broker and clients take alone: the sink reads the events
        answer(told, _measure(told))
        return
    with running(told, "worker"):
        answer(told, _measure(told))


def _measure(told: dict[str, Any]) -> dict[str, Any]:
    folder = Path(told["folder"])
    jobs = [
        Job("latency", "jobs.alert_probe", told, "sink"),
        Job("latency", "jobs.load_generator", told, "source"),
    ]
    children = [start(job, folder / job.label) for job in jobs]
    figures = [
        finish(job, child, folder / job.label) for job, child in zip(jobs, children, strict=True)
    ]
    return figures[0] | figures[1]


if __name__ == "__main__":
    main()
