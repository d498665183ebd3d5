"""However the rides of the example file are sent, the alerts are those about native events."""

import csv
from functools import cache
from pathlib import Path

from intake.sent_as import (
    Row,
    alerts_of,
    as_arrow,
    as_avro,
    as_json,
    as_pairs,
    content,
    native,
    scattered,
)

from streamproc.monitor import Monitor

MAPPING = {
    "model_id": {"const": "rides"},
    "event_id": "id",
    "ts": "ts",
    "prediction": "prediction",
    "features": {"omit": []},
}


@cache
def rides() -> tuple[Row, ...]:
    """Read the example file, whose kilometres become miles from row 1,500 on."""
    with (Path(__file__).parents[2] / "docs" / "rides.csv").open() as file:
        return tuple(
            {
                "id": row["ride_id"],
                "ts": row["requested_at"],
                "km": float(row["km"]),
                "passengers": int(row["passengers"]),
                "night": row["night"] == "true",
                "city": row["city"],
                "prediction": float(row["eta_minutes"]),
            }
            for row in csv.DictReader(file)
        )


def test_pairs_of_kserve() -> None:
    """Requests and responses with tensors, without keys over twelve partitions."""
    expected = Monitor().process(native("rides", rides(), pairs=True))
    found = alerts_of({"preset": "kserve"}, scattered(as_pairs("rides", rides())))
    assert "feature:km" in {alert.series for alert in expected}
    assert content(found) == content(expected)


def test_avro_of_a_registry() -> None:
    """Framed with a schema id, without keys over twelve partitions."""
    expected = Monitor().process(native("rides", rides()))
    sent, schemas = as_avro(rides())
    found = alerts_of({"format": "avro", "map": MAPPING}, scattered(sent), schemas)
    assert expected
    assert content(found) == content(expected)


def test_json_without_keys_over_twelve_partitions() -> None:
    """The slices of the partitions come in any order; the events in that of their time."""
    expected = Monitor().process(native("rides", rides()))
    found = alerts_of({"map": MAPPING}, scattered(as_json(rides())))
    assert content(found) == content(expected)


def test_batches_of_arrow_without_keys_over_twelve_partitions() -> None:
    """Rows of foreign batches go to their model, and are watched as native events are."""
    expected = Monitor().process(native("rides", rides()))
    found = alerts_of({"map": MAPPING}, scattered(as_arrow(rides())))
    assert content(found) == content(expected)
