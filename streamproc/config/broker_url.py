"""Where the cluster is: ``kafka://host:port[,host:port…]``."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from streamproc.schemas.section import refuse

_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", re.ASCII)
_BROKER_EXPECTED: Final = "expected kafka://host:port[,host:port…]"


def _kafka_url(url: str) -> str:
    if "@" in url:  # so the message must not repeat it
        refuse(((), f"{_BROKER_EXPECTED}: user and password belong under security.sasl"))
    scheme, separator, addresses = url.partition("://")
    if not separator or scheme != "kafka":
        refuse(((), f"{_BROKER_EXPECTED}, found {url[:80]!r}"))
    for address in addresses.split(","):
        match = _ADDRESS.fullmatch(address)
        if not match or not 1 <= int(match[1]) <= 65_535:
            refuse(((), f"{_BROKER_EXPECTED}, found {address[:80]!r} for host:port"))
    return url


BrokerUrl = Annotated[str, AfterValidator(_kafka_url)]
