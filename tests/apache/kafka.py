"""Run a real Apache Kafka from a shell, or import `ApacheKafka`.

``python tests/apache/kafka.py up --nodes 3`` prints the bootstrap addresses when all nodes
answer and runs until it is interrupted. ``python tests/apache/kafka.py check`` says whether
Apache Kafka can be run here: exit code 0, or 1 and what is missing.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

if __package__ in (None, ""):  # run as a program: let `apache` be found
    sys.path.insert(0, str(Path(__file__).parents[1]))

from apache.cluster import ApacheKafka, KafkaStartError
from apache.distribution import KAFKA, KafkaUnavailableError, jars, java

__all__ = ["ApacheKafka", "KafkaStartError", "KafkaUnavailableError", "check", "main"]


def check() -> str:
    """Make Apache Kafka runnable here (Java found, jars fetched); return its version.

    Raises
    ------
    KafkaUnavailableError
        Something is missing; the message says what.
    """
    java()
    jars()
    return KAFKA


def up(nodes: int, data_dir: Path | None) -> None:
    """Run a cluster until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a start can be interrupted too
    with ApacheKafka(nodes, data_dir) as kafka:
        interrupted = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: interrupted.set())
        sys.stdout.write(f"{kafka.bootstrap}\n")
        sys.stdout.flush()
        interrupted.wait()


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="can Apache Kafka be run here?")
    run = commands.add_parser("up", help="run it until interrupted")
    run.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    run.add_argument("--data-dir", type=Path, help="keep data and logs here")
    options = parser.parse_args()
    try:
        if options.command == "up":
            up(options.nodes, options.data_dir)
        else:
            sys.stdout.write(f"Apache Kafka {check()} can be run\n")
    except (KafkaUnavailableError, KafkaStartError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
