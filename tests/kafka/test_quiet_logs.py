import logging

from streamproc.kafka.quiet_logs import quiet_client


def test_blocks_may_overlap() -> None:
    """The client is silent until the last of several overlapping blocks ends."""
    logger = logging.getLogger("aiokafka.conn")
    first, second = quiet_client(), quiet_client()
    with first:
        second.__enter__()
    assert not logger.isEnabledFor(logging.CRITICAL)
    second.__exit__(None, None, None)
    assert logger.isEnabledFor(logging.ERROR)
