"""Sections `policy`, `limits` and `snapshots`: incidents, resources, and recovery."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from streamproc.config.least_size import LeastSize
from streamproc.config.quiet_time import QuietTime, QuietTimeField
from streamproc.schemas.section import Section
from streamproc.schemas.units import Duration, Size


class Policy(Section):
    """How alarms become incidents."""

    update_interval: Annotated[
        Duration,
        Field(
            description="Least event time between two updates of an open incident.",
            examples=["10m"],
        ),
    ] = timedelta(minutes=10)
    resolve_after: Annotated[
        QuietTimeField,
        Field(
            description="How long a series has to be without an alarm until its incident is"
            " `resolved`, if it is as before, or else `settled`: a number of values, a duration of"
            " event time (of 30 values at least), or `{values: 1000, time: 6h}`, of which both have"
            " to pass.",
            examples=[1000, "6h", {"values": 1000, "time": "6h"}],
        ),
    ] = QuietTime(1000)
    accept_after: Annotated[
        Duration,
        Field(
            description="Event time after which the level that a series has settled at is accepted,"
            " so that its incident is resolved.",
            examples=["7d"],
        ),
    ] = timedelta(days=7)
    least_size: Annotated[
        LeastSize,
        Field(
            description="Which changes are too small to page, although they are significant; of"
            " what detectors find in series whose values do not depend on each other.",
            examples=[{"deviations": 0.25}],
        ),
    ] = LeastSize()
    group_wait: Annotated[
        Duration,
        Field(
            description="How long an incident waits for other models with the same cause before it"
            " pages; critical ones do not wait.",
            examples=["10s"],
        ),
    ] = timedelta(seconds=10)
    repeat_interval: Annotated[
        Duration | None,
        Field(
            ge=timedelta(minutes=1),
            description="How long after its last page an incident pages again, if it is still"
            " firing and nobody has acknowledged it; one that has settled does not. null: never.",
            examples=["4h"],
        ),
    ] = None
    deployment_grace: Annotated[
        Duration,
        Field(
            description="Event time after a new version of a model within which its incidents are"
            " tied to that deployment: with those of all models released within as long, they are"
            " one incident, unless they are critical. 0s: none are.",
            examples=["1h"],
        ),
    ] = timedelta(hours=1)


class Limits(Section):
    """Limits of a worker."""

    slice_records: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="Most records in one slice of a partition.",
            examples=[5000],
        ),
    ] = 5000
    slice_bytes: Annotated[
        Size,
        Field(
            description="Most bytes in one slice; a single record may be larger.",
            examples=["4MiB"],
        ),
    ] = 4 * 2**20
    slice_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=60,
            description="Longest time in seconds to work on one slice before others get a turn.",
            examples=[0.5],
        ),
    ] = 0.5
    linger: Annotated[
        Duration,
        Field(
            ge=timedelta(0),
            le=timedelta(seconds=1),
            description="How long a fetch waits at most after one with few records, so that it"
            " returns more of them at once. Shorter delays alerts, outcomes and the predictions of"
            " online models less, and takes more CPU on live traffic; a backlog does not wait.",
            examples=["10ms"],
        ),
    ] = timedelta(milliseconds=100)
    record_bytes: Annotated[
        Size,
        Field(description="A record with more bytes is a dead letter.", examples=["8MiB"]),
    ] = 8 * 2**20
    max_series: Annotated[
        int,
        Field(
            ge=1,
            le=100_000_000,
            description="Series that are watched at most, by one worker that has all partitions."
            " Each of the `topics.partitions` partitions has a fixed share: half of them all of"
            " predictions, a quarter of features and of outcomes. Where a share is full the models"
            " that have been idle longest are forgotten; if none is idle new series are refused."
            " Both are counted and alerted once.",
            examples=[500_000],
        ),
    ] = 500_000
    max_features: Annotated[
        int,
        Field(
            ge=1, le=1_000_000, description="An event with more is a dead letter.", examples=[2000]
        ),
    ] = 2000
    recent_events: Annotated[
        int,
        Field(
            ge=0,
            le=10_000_000,
            description="Events with an `event_id` that a partition knows again, at least: one"
            " delivered twice, byte for byte, is counted and not watched again. About 130 bytes"
            " of memory each; 0: all are watched.",
            examples=[20_000],
        ),
    ] = 20_000
    stall: Annotated[
        Duration,
        Field(
            description="A worker with records waiting that has handled none for so long ends"
            " with a reason, to be started again.",
            examples=["10m"],
        ),
    ] = timedelta(minutes=10)


class Snapshots(Section):
    """How often a worker writes snapshots."""

    interval: Annotated[
        Duration,
        Field(
            description="Time between two snapshots of a partition that has new records;"
            " a large state is written less often, so that this takes 5 % of a worker at most."
            " What came since the last one is watched again after a crash.",
            examples=["30s"],
        ),
    ] = timedelta(seconds=30)
    bytes: Annotated[
        Size,
        Field(
            description="Bytes of records after which a partition is written down before its time:"
            " what has to be watched again after a crash is some seconds of work at most.",
            examples=["128MiB"],
        ),
    ] = 128 * 2**20
