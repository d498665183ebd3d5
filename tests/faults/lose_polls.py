"""`streamproc worker` whose Kafka client loses some of the records that it has fetched.

Run as a program with the path of a config file. Every seventh poll with records loses them after
the client's position has moved past them, as Faust does when a rebalance comes at that moment.
"""

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a program: let the tests' modules be found
    HERE = Path(__file__).parents[1]
    sys.path[:0] = [str(HERE), str(HERE.parent)]

from streamproc.cli.main import main
from streamproc.driver.consumer import SliceConsumer

EVERY = 7
_getmany = SliceConsumer._getmany


class Losing:
    """Counts the polls that returned records."""

    polls = 0


async def losing(consumer: SliceConsumer, **options: Any) -> Any:
    """Poll, and lose what every seventh poll returned."""
    records = await _getmany(consumer, **options)
    Losing.polls += bool(records)
    return {} if records and Losing.polls % EVERY == 0 else records


if __name__ == "__main__":
    SliceConsumer._getmany = losing  # type: ignore[method-assign]
    sys.argv = ["streamproc", "worker", "--config", *sys.argv[1:]]
    main()
