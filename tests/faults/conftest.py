from collections.abc import Iterator

import pytest
from faults.brokers import Broker, running


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a broker that the rows may stop, cut off and start again."""
    with running(tmp_path_factory.mktemp("faults") / "kafka") as broker:
        yield broker
