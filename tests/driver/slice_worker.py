"""A Faust worker in a process of its own, run by the tests with one JSON argument.

It writes a line to its log for what it has done, before it acknowledges it. What it does with
a slice is told by the slice: ``await 8`` and ``block 8`` make it slow, ``raise`` makes it fail.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

import faust

from streamproc.driver import SliceLimits, slice_topic

OPTIONS = json.loads(sys.argv[1])
LOG = os.open(OPTIONS["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

app = faust.App(
    OPTIONS["group"],
    broker="slices://" + ";slices://".join(OPTIONS["bootstrap"].split(",")),
    datadir=OPTIONS["log"] + ".d",
    store="memory://",
    web_enabled=False,
    topic_disable_leader=True,
    topic_replication_factor=1,
    topic_partitions=2,
    topic_allow_declare=True,
    stream_wait_empty=False,
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=0.2,
    broker_session_timeout=6.0,
    broker_heartbeat_interval=0.3,
    broker_max_poll_interval=OPTIONS.get("max_poll_interval", 300.0),
)


def note(**what: Any) -> None:
    """Append one line; a single write is whole or absent, even if the process is killed."""
    os.write(LOG, json.dumps(what).encode() + b"\n")


async def obey(order: bytes) -> None:
    """Be slow, or fail, as the record says."""
    verb, _, seconds = order.decode().partition(" ")
    note(event="began", verb=verb)
    if verb == "await":
        await asyncio.sleep(float(seconds))
    elif verb == "block":
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            pass
    elif verb == "raise":
        raise RuntimeError("told to")


@app.on_partitions_assigned.connect
async def on_assigned(_: Any, assigned: Any, **__: Any) -> None:
    """Log what this worker has now."""
    note(event="assigned", partitions=sorted(tp.partition for tp in assigned))


@app.agent(slice_topic(app, OPTIONS["topic"], limits=SliceLimits(records=500)))
async def handle(stream: Any) -> None:
    """Log the offsets of each slice, then acknowledge it."""
    manual = stream.noack()
    async for event in manual.events():
        part = event.value
        if (order := part.records[0].value).startswith((b"await", b"block", b"raise")):
            await obey(order)
        note(event="handled", partition=part.partition, offsets=[r.offset for r in part.records])
        await manual.ack(event)


if "plain" in OPTIONS:
    counts = app.Table("counts", default=int, partitions=2)

    @app.agent(app.topic(OPTIONS["plain"], key_type=str, value_type=str, value_serializer="raw"))
    async def count(stream: Any) -> None:
        """Count messages in a table, one by one, as any Faust application does."""
        async for event in stream.events():
            counts[event.key] += 1
            note(
                event="plain",
                key=event.key,
                value=event.value.decode() if isinstance(event.value, bytes) else event.value,
                count=counts[event.key],
                offset=event.message.offset,
            )


if __name__ == "__main__":
    faust.Worker(app, loglevel="warning", redirect_stdouts=False).execute_from_commandline()
