"""Events of versions of the contract that are yet to come."""

from broker_topics import records
from faults.matrix import Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.running import read_alerts, watch_all
from worker.scenarios import payloads

from streamproc.config.load import load
from streamproc.monitor import LogRecord, Monitor

ORDER = 7
FAULT = "unknown field · new minor · new major schema version"
PASSES = "ignored · accepted · dead letter `unsupported_version`; nothing applied in part"
MODELS = 8
MAJOR = (b'"2.0"', b"3", b'"10"')


async def run(site: Site) -> str:
    """Add fields and versions to a log, and compare with the log that has none of them."""
    config = load(site.content())
    draw = site.draw
    plain: dict[bytes, bytes] = {}  # what each record is without what is new
    log: list[Sent] = []
    for event in events(draw.randrange(2**32), MODELS, 1500):
        record = sent(event)
        assert record.value is not None
        kind = draw.randrange(4)
        body = record.value[:-1]
        if kind == 0:
            value = body + b',"later":{"a":[1,{"b":null}]}}'
        elif kind == 1:
            value = body + b',"schema_version":"1.%d","added":true}' % draw.randrange(20)
        else:
            value = record.value
        plain[value] = record.value
        log.append(record._replace(value=value))
        if draw.random() < 0.02:
            major = b'{"schema_version":%b,"model":%b,"prediction":[7]}'
            same_but_major = body + b',"schema_version":%b}' % draw.choice(MAJOR)
            value = draw.choice((same_but_major, major % (draw.choice(MAJOR), b'"x"')))
            log.append(record._replace(value=value))
    await send(config, log)
    await watch_all(config)
    found = await equal(config, least=20)
    refused = [each.reason for each in found.found.letters.values()]
    same("reasons", {"unsupported_version"}, set(refused))
    same("dead letters", sum(each.value not in plain for each in log), len(refused))
    monitor, wanted = Monitor(config), []
    for record in await records(config, "predictions"):
        if record.value in plain:
            bare = LogRecord(record.offset, plain[record.value], record.timestamp, record.key)
            wanted += monitor.process_records(record.topic, record.partition, [bare])
    same("alerts", payloads(wanted), payloads(await read_alerts(config)))
    return f"{len(wanted)} alerts as without what is new; {len(refused)} dead letters"
