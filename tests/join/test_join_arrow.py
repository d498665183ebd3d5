"""Labels meet the events of Arrow."""

import pyarrow as pa
from label_logs import hard_logs, join, pairs, tagged

from streamproc.join.entry import InputLog
from streamproc.monitor import LogRecord


def record(events: list[dict[str, object]]) -> LogRecord:
    """Make one record of all events."""
    table = pa.Table.from_pylist(events)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    headers = (("content-type", b"application/vnd.apache.arrow.stream"),)
    return LogRecord(0, bytes(sink.getvalue()), 0, b"m", headers)


def test_the_join_reads_rows_of_arrow() -> None:
    """Predictions and labels as one record of Arrow each give the pairs of JSON."""
    logs = hard_logs(200, seed=3, binary=True)
    for label in logs.labels:
        label["label"] = bool(label["label"])  # a column has one type
    of_json = [*tagged(InputLog.PREDICTIONS, logs.events), *tagged(InputLog.LABELS, logs.labels)]
    of_arrow = [
        (InputLog.PREDICTIONS, record(logs.events)),
        (InputLog.LABELS, record(logs.labels)),
    ]
    wanted, found = join().process(of_json), join().process(of_arrow)
    assert found.dead_letters == []
    assert pairs([found]) == pairs([wanted])
    assert len(found.drafts) > 100
