"""Find models whose labels do not meet their events: on other partitions, or by reused ids.

A series and a join belong to one partition. Producers choose it by key and partitioner, so one
without a key, or with another partitioner than the others, splits a model.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple

from streamproc.join.meetings import Meeting

Problem = Literal["events_scattered", "labels_scattered", "labels_apart", "ids_reused"]

# A few labels without an event are normal: events may have been dropped.
MIN_LABELS: Final = 20
MIN_SHARE: Final = 0.2
# A producer that sends an event again with a new time is normal, too.
MIN_REUSED: Final = 0.01
KEYING: Final = (
    "key all events and labels of a model by its model_id, with one partitioner for all producers:"
    " murmur2, which is the default of Java and of streamproc; librdkafka and its clients, such as"
    " confluent-kafka, need partitioner=murmur2_random. What was written before stays where it is"
)

UNIQUE_IDS: Final = (
    "give each event of a model another event_id, such as the id of its request: errors,"
    " metrics and online models read only the first event of an id"
)


class Finding(NamedTuple):
    """A problem of one model; `detail` describes what was observed, `cure` what to do."""

    problem: Problem
    model_id: str
    topic: str
    partitions: tuple[int, ...]
    detail: str
    cure: str = KEYING

    @property
    def message(self) -> str:
        """The message for the operator, with the remedy."""
        return f"{self.detail}; {self.cure}"


class Topics(NamedTuple):
    """Names of the topics of predictions and labels."""

    predictions: str
    labels: str


def scattered(
    problem: Problem, topic: str, models: Mapping[int, Collection[str]], what: str
) -> list[Finding]:
    """Find models on several partitions of a topic.

    Parameters
    ----------
    problem
        `events_scattered` or `labels_scattered`.
    topic
        Name of the topic.
    models
        By partition, the models that have records there.
    what
        What to call these records in the message.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for number, names in sorted(models.items()):
        for name in names:
            places[name].append(number)
    return [
        Finding(
            problem,
            name,
            topic,
            tuple(numbers),
            f"{what} of model {name!r} arrive on partitions {_listed(numbers)} of topic {topic!r}:"
            " each partition watches its part alone, and labels meet only the events of theirs",
        )
        for name, numbers in places.items()
        if len(numbers) > 1
    ]


def apart(
    topics: Topics,
    events: Mapping[int, Collection[str]],
    meetings: Mapping[int, Mapping[str, Meeting]],
    home: Mapping[str, int],
) -> list[Finding]:
    """Find models with labels that do not meet their events, although both arrive.

    Parameters
    ----------
    topics
        Names of the topics.
    events
        By partition, the models with events there.
    meetings
        By partition and model, how many labels have found their event.
    home
        Partition of a model's key by murmur2, for models with labels only.
    """
    found = []
    for number, of in sorted(meetings.items()):
        for name, meeting in of.items():
            if not suspicious(meeting):
                continue
            elsewhere = [at for at, names in sorted(events.items()) if name in names]
            if not (meeting.events or elsewhere) and (
                meeting.grace or home.get(name, number) == number
            ):
                continue  # this model seems to have labels and no events, or none yet
            where = ""
            if not meeting.events and elsewhere:
                where = f", which arrive on partitions {_listed(elsewhere)} of"
                where += f" {topics.predictions!r}"
            elif not meeting.events:
                where = f", and by murmur2 its key belongs to partition {home[name]}"
            detail = (
                f"{meeting.alone} of {meeting.labels} labels of model {name!r} on partition"
                f" {number} of topic {topics.labels!r} have not met their events{where}; labels"
                " meet only events of the partition with the same number"
            )
            found.append(Finding("labels_apart", name, topics.labels, (number,), detail))
    return found


def reused(topic: str, meetings: Mapping[int, Mapping[str, Meeting]]) -> list[Finding]:
    """Find models with events that have the id of an earlier, different event.

    Parameters
    ----------
    topic
        Name of the topic of predictions.
    meetings
        By partition and model.
    """
    return [
        Finding(
            "ids_reused",
            name,
            topic,
            (number,),
            f"{meeting.reused} events of model {name!r} on partition {number} of topic {topic!r}"
            f" have the event_id of an earlier event that differs, beside {meeting.events} others:"
            " a label meets the first event with its id",
            UNIQUE_IDS,
        )
        for number, of in sorted(meetings.items())
        for name, meeting in of.items()
        if meeting.reused >= max(MIN_LABELS, MIN_REUSED * meeting.events)
    ]


def suspicious(meeting: Meeting) -> bool:
    """Whether too many labels of a model are without an event."""
    return meeting.alone >= max(MIN_LABELS, MIN_SHARE * meeting.labels)


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, numbers))
