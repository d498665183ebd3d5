"""What applications have at hand is taken as fields of an event."""

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streamproc import Monitor
from streamproc.client.records import to_record
from streamproc.schemas.events import EventError

IDENTITY = UUID(int=7)


class Region(StrEnum):
    """Of a tag."""

    EU = "eu"


def sent(**fields: Any) -> dict[str, Any]:
    """Return what is written for an event."""
    event: dict[str, Any] = json.loads(to_record({"model_id": "m", **fields}).value)
    return event


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),  # noqa: FBT003
        (np.str_("DE"), "DE"),
        (np.array(2.5), 2.5),
        (np.array([1, 2]), [1, 2]),
        (np.array([1.0, np.nan]), None),
        (np.datetime64("2026-01-05T10:00:00", "ns"), "2026-01-05T10:00:00"),
        (np.datetime64("NaT"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2026-01-05T10:00:00Z"), "2026-01-05T10:00:00+00:00"),
        (pd.Series([1.5, 2.5]), [1.5, 2.5]),
        (pl.Series([1.5, 2.5]), [1.5, 2.5]),
        (pa.array([1, 2]), [1, 2]),
        (pa.scalar(1.5), 1.5),
        (pa.scalar(None), None),
        (Decimal("12.50"), 12.5),
        (Decimal("NaN"), None),
        (IDENTITY, str(IDENTITY)),
        (datetime(2026, 1, 5, 10, tzinfo=UTC), "2026-01-05T10:00:00+00:00"),
        (date(2026, 1, 5), "2026-01-05"),
        (Region.EU, "eu"),
        ((1.0, 2.0), [1.0, 2.0]),
        (math.nan, None),
        ([1.0, math.nan], None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_feature_of_another_library_is_its_plain_value(value: object, feature: object) -> None:
    """Scalars and arrays are converted; NaN, NaT and NA are missing, as is a vector with one."""
    assert sent(features={"x": value}) == {"model_id": "m", "features": {"x": feature}}


def test_a_row_of_a_data_frame_is_a_mapping_of_features() -> None:
    """`df.loc[0]` is taken as it is, whatever its column names are."""
    frame = pd.DataFrame({"amount": [12.5], "country": ["DE"], 3: [None]})
    assert sent(features=frame.loc[0])["features"] == {"amount": 12.5, "country": "DE", "3": None}


def test_predictions_of_libraries_are_taken() -> None:
    """A scalar is a number, `predict_proba` of a row has its indexes as classes."""
    assert sent(prediction=np.float32(0.5))["prediction"] == 0.5
    assert sent(prediction=np.array([0.9]))["prediction"] == 0.9
    assert sent(prediction=np.array([0.25, 0.75]))["prediction"] == {"0": 0.25, "1": 0.75}
    assert sent(prediction=np.array([[0.25, 0.75]]))["prediction"] == {"0": 0.25, "1": 0.75}
    assert sent(prediction={"cat": np.float64(0.5)})["prediction"] == {"cat": 0.5}
    assert sent(prediction=np.str_("cat"))["prediction"] == "cat"


def test_identity_and_tags_become_texts() -> None:
    """Integers and UUIDs are ids, versions and tags without loss."""
    event = sent(
        features={}, event_id=IDENTITY, model_version=np.int64(7), tags={"shop": 3, "r": Region.EU}
    )
    assert event["event_id"] == str(IDENTITY)
    assert event["model_version"] == "7"
    assert event["tags"] == {"shop": "3", "r": "eu"}
    assert sent(label=np.int64(1), event_id=42)["event_id"] == "42"


@pytest.mark.parametrize(
    "ts", [pd.Timestamp("2026-01-05T11:00:00+01:00"), np.float64(1767607200), Decimal(1767607200)]
)
def test_times_of_libraries_are_times(ts: object) -> None:
    """A zoned time stays the same instant."""
    assert sent(features={}, ts=ts)["ts"] == "2026-01-05T10:00:00Z"


@pytest.mark.parametrize(
    "ts",
    [pd.Timestamp("2026-01-05"), np.datetime64("2026-01-05"), datetime(2026, 1, 5)],  # noqa: DTZ001
)
def test_a_time_without_a_zone_is_refused(ts: object) -> None:
    """Which zone it is in would be a guess."""
    with pytest.raises(EventError, match="ts: expected"):
        sent(features={}, ts=ts)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"feature": {}}, "FeatureEvent: feature: unknown field: did you mean `features`?"),
        ({"prediction": 1, "event": "a"}, "event: unknown field: did you mean `event_id`?"),
        ({"label": 1, "event_id": "a", "zz": 1}, "zz: unknown field: expected one of: model_id"),
        ({"features": {}, "timestamp": 1, "a": 2}, "timestamp: unknown.*; a: unknown"),
    ],
)
def test_a_misspelt_field_is_refused_by_name(fields: dict[str, Any], message: str) -> None:
    """It would be lost silently; the message has the name that was meant."""
    with pytest.raises(EventError, match=message):
        sent(**fields)


def test_monitor_takes_the_same_values() -> None:
    """`Monitor.process` reads decimals as numbers, and NA as missing."""
    monitor = Monitor()
    values = [Decimal("1.5"), np.float32(2), pd.NA, pd.Timestamp("2026-01-05"), IDENTITY]
    monitor.process({"model_id": "m", "features": {"x": value, "y": 1}} for value in values)
    assert (monitor.events, monitor.dead_letters) == (5, [])
