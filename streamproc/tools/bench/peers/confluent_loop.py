"""Peer: a loop around confluent-kafka that consumes batches and sends alerts."""

from typing import Any

from confluent_kafka import Consumer, Producer

from streamproc.tools.bench.meter import Meter
from streamproc.tools.bench.peers.river_pair import Pairs, dumps, loads
from streamproc.tools.bench.process import answer, settings

BATCH = 5000
WAIT_SECONDS = 0.1


def consumer_of(options: dict[str, Any]) -> Any:
    """Return a consumer of a group, from the beginning of its topics."""
    return Consumer(
        {
            "bootstrap.servers": options["bootstrap"],
            "group.id": options["group"],
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
    )


def main() -> None:
    """Process the events, report their cost, and stop."""
    options = settings()
    meter = Meter(options["events"], options["skip"])
    pairs = Pairs()
    sent = 0
    consumer = consumer_of(options)
    producer = Producer({"bootstrap.servers": options["bootstrap"], "linger.ms": 5})
    consumer.subscribe([options["topic"]])
    done = False
    while not done:
        batch = [found for found in consumer.consume(BATCH, WAIT_SECONDS) if not found.error()]
        for message in batch:
            event = loads(message.value() or b"null")
            for alarm in pairs.alarms(event):
                producer.produce(options["alerts"], dumps(alarm), key=message.key())
                sent += 1
        producer.poll(0)
        done = bool(batch) and meter.count(len(batch))
    answer(options, {**meter.figures(), "alerts": sent})
    producer.flush()
    consumer.close()


if __name__ == "__main__":
    main()
