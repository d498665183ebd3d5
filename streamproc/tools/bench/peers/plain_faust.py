"""Peer: a plain Faust agent that processes one event after another."""

import os
import signal
import sys

import faust
from faust.types import StreamT

from streamproc.tools.bench.meter import Meter
from streamproc.tools.bench.peers.river_pair import Pairs, dumps, loads
from streamproc.tools.bench.process import answer, settings


def main() -> None:
    """Process the events, report their cost, and stop."""
    options = settings()
    meter = Meter(options["events"], options["skip"])
    pairs = Pairs()
    sent = 0
    app = faust.App(
        options["group"],
        broker=f"kafka://{options['bootstrap']}",
        store="memory://",
        datadir=options["folder"],
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        # as the worker has them: brokers make a member wait that joins with a longer session
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
    )
    events = app.topic(options["topic"], value_type=bytes, value_serializer="raw")
    alerts = app.topic(options["alerts"], value_type=bytes, value_serializer="raw")

    @app.agent(events)
    async def watch(stream: StreamT[bytes]) -> None:
        nonlocal sent
        async for value in stream:
            event = loads(value)
            for alarm in pairs.alarms(event):
                await alerts.send(key=event["model_id"], value=dumps(alarm))
                sent += 1
            if meter.count(1):
                answer(options, {**meter.figures(), "alerts": sent})
                os.kill(os.getpid(), signal.SIGTERM)

    sys.argv = ["plain_faust", "worker", "-l", "warn", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
