"""Private names of Faust are in one module, and a version without one is refused by name."""

from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP
from library_names import each_name, without

from streamproc.driver import compat
from streamproc.kafka.errors import ClientLibraryError
from streamproc.kafka.library import require


@pytest.mark.parametrize(("owner", "name"), each_name(compat.NEEDED))
def test_a_version_without_a_name_is_refused(owner: Any, name: str) -> None:
    """The error names what is missing and where, and the versions to install."""
    where = f"no '{name}' in {owner.__qualname__}"
    with pytest.raises(ClientLibraryError, match=rf"{where}.*faust-streaming>=0\.15\.3,<0\.16"):
        require("faust-streaming", ">=0.15.3,<0.16", [(without(owner), (name,))])


def test_no_agent_takes_a_partition_of_an_unknown_topic() -> None:
    """Channels are found by partition in Faust's conductor."""
    app = faust.App("test", broker="kafka://localhost:9092")
    assert list(compat.channels_of(app.topics, TP("unknown", 0))) == []


def test_client_and_commits_of_a_consumer_are_found() -> None:
    """A partition that was never committed has no offset."""
    thread = SimpleNamespace(_consumer="client")
    consumer = SimpleNamespace(_thread=thread, _committed_offset={TP("t", 0): 5})
    assert compat.client_of_thread(consumer) == "client"
    assert compat.committed_offset(consumer, TP("t", 0)) == 5
    assert compat.committed_offset(consumer, TP("t", 1)) is None
