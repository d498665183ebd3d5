"""A service that predicts locally says what the worker says."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from broker_topics import own_topics, write
from update_factory import update
from worker.online.online_workers import config_of, outcomes

from streamproc.client import ModelUpdates
from streamproc.client.local_model import LocalModel, NoModelError, NoParametersError
from streamproc.client.sync import ModelUpdates as SyncModelUpdates
from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics
from streamproc.monitor import LogRecord
from streamproc.online.partition_models import PartitionModels
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction

ROWS = 300
MODELS: dict[str, Any] = {
    "logistic": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
    "unscaled": ["linear_model.LogisticRegression"],
    "centred": [
        {"preprocessing.StandardScaler": {"with_std": False}},
        "linear_model.LogisticRegression",
    ],
}


def _learned(model: Any) -> tuple[list[OnlinePrediction], list[ModelUpdate], dict[str, Any]]:
    """Learn a stream; return answers, updates, and the features of each event."""
    config = config_of("unused:9092", model, online={"interval": "1ms"})
    events = list(outcomes(ROWS, delay=0))
    log = [LogRecord(n, msgspec.json.encode(event), 0, b"m") for n, event in enumerate(events)]
    learned = PartitionModels(config, "outcomes", 0).process(log, datetime(2026, 1, 5, tzinfo=UTC))
    features = {event["event_id"]: event["features"] for event in events}
    return [each.event() for each in learned.answers], learned.updates, features


@pytest.mark.parametrize("name", MODELS)
def test_local_answers_are_those_of_the_worker(name: str) -> None:
    """For the same version and count of labels the probabilities are equal to the last digits."""
    answers, updates, features = _learned(MODELS[name])
    models = {(each.version, each.learned): LocalModel.of(each) for each in updates}
    compared = 0
    for answer in answers:
        model = models.get((answer.version, answer.learned))
        if model is None:
            continue
        local = model.predict(features[answer.event_id or ""])
        assert local.prediction == answer.prediction
        assert local.probabilities == pytest.approx(answer.probabilities, abs=1e-12)
        compared += 1
    assert compared > ROWS // 2


def _linear(amount: float) -> dict[str, Any]:
    return {
        "form": "pipeline",
        "steps": [
            {"form": "linear", "link": "identity", "weights": {"a": amount}, "intercept": 1.0}
        ],
    }


@pytest.fixture
async def config(bootstrap: str) -> Config:
    """Topics of the test's own, which exist."""
    config = own_topics(bootstrap)
    await ensure_topics(config)
    return config


async def test_a_service_is_up_to_date_on_entry_and_stays_so(config: Config) -> None:
    """What is on the topic counts at once, and what comes later as soon as it comes."""
    first = update("u1", parameters=_linear(2.0))
    await write(config, "model_updates", first.to_json())
    async with ModelUpdates(config=config) as models:
        assert models.predict("fraud", {"a": 3.0}).prediction == 7.0
        later = update("u2", step="promoted", version=2, serving=2, parameters=_linear(-1.0))
        await write(config, "model_updates", later.to_json())
        async with asyncio.timeout(60):
            async for seen in models:
                assert seen == later
                break
        answer = models.predict("fraud", {"a": 3.0})
        assert (answer.prediction, answer.version) == (-2.0, 2)


async def test_a_challenger_and_a_rollback(config: Config) -> None:
    """A challenger's numbers change nothing; a rollback brings the old ones back."""
    values = [
        update("u1", parameters=_linear(2.0)),
        update("u2", step="challenger", version=2, serving=1, parameters=_linear(9.0)),
        update("u3", step="promoted", version=2, serving=2, parameters=_linear(5.0)),
        update("u4", step="rolled_back", version=1, serving=1, parameters=_linear(2.0)),
    ]
    async with ModelUpdates(config=config, follow=False) as models:
        await write(config, "model_updates", *(each.to_json() for each in values))
        answers = [models.predict("fraud", {"a": 1.0}).prediction async for _ in models]
    assert answers == [3.0, 3.0, 6.0, 3.0]


async def test_what_cannot_be_predicted_says_why(config: Config) -> None:
    """A model that never told, has no plain form, or a form of the future, is an error."""
    unknown = {"form": "pipeline", "steps": [{"form": "quantum"}]}
    values = [
        update("u1", model_id="forest"),
        update("u2", model_id="future", parameters=unknown),
    ]
    await write(config, "model_updates", *(each.to_json() for each in values))
    async with ModelUpdates(config=config) as models:
        assert models.get("nobody") is None
        with pytest.raises(NoModelError, match="no update of an online model 'nobody'"):
            models.predict("nobody", {})
        with pytest.raises(NoParametersError, match="read `online-predictions`"):
            models.predict("forest", {})
        with pytest.raises(NoParametersError, match="quantum"):
            models.predict("future", {})


def test_without_asyncio(bootstrap: str) -> None:
    """The same in plain calls; it follows by itself between them."""
    config = own_topics(bootstrap)
    asyncio.run(ensure_topics(config))
    values = [update("u1", parameters=_linear(2.0)), update("u2", learned=5, parameters=None)]
    asyncio.run(write(config, "model_updates", *(each.to_json() for each in values)))
    with SyncModelUpdates(config=config) as models:
        assert models.predict("fraud", {"a": 3.0}).prediction == 7.0
        assert models.get("fraud") is not None
    with SyncModelUpdates(config=config, follow=False) as models:
        assert list(models) == values
