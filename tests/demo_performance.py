"""The demo's story, told to the pipeline and the online model without a broker."""

from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from streamproc import Monitor
from streamproc.monitor import LogRecord
from streamproc.online.partition_models import PartitionModels
from streamproc.pipeline.series_status import series_statuses
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.schemas.records import DeadLetter
from streamproc.schemas.series_status import SeriesStatus
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.learning import worker_config


class Performance(NamedTuple):
    """What was said of a story; of the updates those that are more than learning."""

    alerts: list[AlertEvent]
    updates: list[ModelUpdate]
    course: Course
    dead_letters: list[DeadLetter]
    statuses: list[SeriesStatus]


def perform(story: Scenario) -> Performance:
    """Play a story; the same one only once."""
    return _performed(story.events, story.seed)


@cache
def _performed(events: int, seed: int) -> Performance:
    story = Scenario(events, seed)
    config = worker_config(story.learner)
    monitor, learners, course = (
        Monitor(config),
        PartitionModels(config, "outcomes", 0),
        Course(story),
    )
    told = list(story.tell())
    alerts = monitor.process(each.event for each in told)
    log = [
        LogRecord(offset, outcome.to_json(), 0, outcome.model_id.encode())
        for offset, outcome in enumerate(monitor.outcomes)
    ]
    learned = learners.process(log, datetime.now(UTC))
    for each in told:
        course.take(each)
    for answer in learned.answers:
        course.answer(answer.event())
    steps = [update for update in learned.updates if update.step != "learned"]
    statuses = [
        status
        for (topic, partition), shard in sorted(monitor.shards.items())
        for status in series_statuses(shard, topic, partition)
    ]
    all_alerts = [*alerts, *learned.alerts]
    return Performance(all_alerts, steps, course, monitor.dead_letters, statuses)
