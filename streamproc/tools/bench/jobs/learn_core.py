"""Measure online models without Kafka, from outcomes to predictions."""

import gc
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.in_memory_join import JoinedLog
from streamproc.monitor import LogRecord
from streamproc.online.partition_models import PartitionModels
from streamproc.tools.bench.labelled_workload import LabelledWorkload, messages
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import FIRST_TS

SLICE = 5000
NOW = datetime.fromtimestamp(FIRST_TS, UTC)
KINDS = {"features": InputLog.FEATURES, "labels": InputLog.LABELS}


def learned(options: dict[str, Any]) -> dict[str, float]:
    """Join one partition's events and labels, then learn; the first tenth is not measured."""
    config = Config.model_validate(options["config"])
    log = outcomes(config, LabelledWorkload(*options["workload"]))
    learners = PartitionModels(config, "outcomes", 0)
    skipped = len(log) // 10
    learners.process(log[:skipped], NOW)
    gc.collect()
    gc.freeze()  # as a worker's process does; the log would not be in its memory at all
    began = time.process_time()
    answers = 0
    for start in range(skipped, len(log), SLICE):
        answers += len(learners.process(log[start : start + SLICE], NOW).answers)
    return {
        "measured": answers,
        "microseconds": 1e6 * (time.process_time() - began) / max(1, answers),
    }


def outcomes(config: Config, workload: LabelledWorkload) -> list[LogRecord]:
    """Return the outcomes of a workload, all in one partition."""
    joined = JoinedLog(config, 0, asks=lambda _: True)
    offsets: dict[str, int] = defaultdict(int)
    records = []
    for message in messages(workload):
        record = LogRecord(offsets[message.kind], message.value, int(FIRST_TS * 1000), message.key)
        offsets[message.kind] += 1
        records.append((KINDS[message.kind], record))
    found, _ = joined.process(records)
    return [LogRecord(each.offset, each.value, 0, each.key) for each in found]


if __name__ == "__main__":
    options = settings()
    answer(options, learned(options))
