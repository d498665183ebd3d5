"""Peer: a loop around confluent-kafka that predicts with River's models and learns from labels."""

from typing import Any

from confluent_kafka import Producer
from river import compose, linear_model, preprocessing

from streamproc.tools.bench.peers.confluent_loop import BATCH, WAIT_SECONDS, consumer_of
from streamproc.tools.bench.peers.river_pair import dumps, loads
from streamproc.tools.bench.process import settings


class Learners:
    """A scaler and a logistic regression for each model, and the events that have no label yet."""

    def __init__(self) -> None:
        self._models: dict[str, Any] = {}
        self._events: dict[tuple[str, str], dict[str, float]] = {}

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Predict for an event, and keep it until its label comes."""
        name, features = event["model_id"], event["features"]
        self._events[name, event["event_id"]] = features
        if name not in self._models:
            self._models[name] = compose.Pipeline(
                preprocessing.StandardScaler(), linear_model.LogisticRegression()
            )
        probability = self._models[name].predict_proba_one(features).get(True, 0.5)
        return {
            "model_id": name,
            "event_id": event["event_id"],
            "ts": event["ts"],
            "prediction": probability > 0.5,
            "probabilities": {"true": probability, "false": 1 - probability},
        }

    def learn(self, label: dict[str, Any]) -> None:
        """Learn from the event of a label."""
        features = self._events.pop((label["model_id"], label["event_id"]), None)
        if features is not None:
            self._models[label["model_id"]].learn_one(features, label["label"])


def main() -> None:
    """Predict and learn until it is killed."""
    options = settings()
    consumer = consumer_of(options)
    producer = Producer({"bootstrap.servers": options["bootstrap"], "linger.ms": 5})
    consumer.subscribe([options["topic"], options["labels"]])
    learners = Learners()
    while True:
        for message in consumer.consume(BATCH, WAIT_SECONDS):
            if message.error():
                continue
            content = loads(message.value() or b"null")
            if message.topic() == options["labels"]:
                learners.learn(content)
            else:
                value = dumps(learners.answer(content))
                producer.produce(options["answers"], value, key=message.key())
        producer.poll(0)


if __name__ == "__main__":
    main()
