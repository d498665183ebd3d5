"""Compile and exit: ``python -m streamproc.worker.warmup.process watch < config.json``."""

import sys

from streamproc.config.config import Config
from streamproc.worker.warmup.workload import learn, watch


def main(workload: str) -> None:
    """Run the workload, `watch` or `learn`, for the configuration on standard input."""
    config = Config.model_validate_json(sys.stdin.buffer.read())
    match workload:
        case "watch":
            watch(config)
        case "learn":
            learn()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:  # its parent handles the signal, too
        sys.exit(130)
