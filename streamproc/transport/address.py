"""Addresses of a Kafka cluster."""

from streamproc.errors import ConfigError

_SCHEME = "kafka://"
_DEFAULT_PORT = 9092


def bootstrap(broker: str) -> str:
    """Return the ``host:port`` list that Kafka clients want, from a broker URL.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas. The port is 9092 unless given.

    Raises
    ------
    ConfigError
        When it is anything else.

    Examples
    --------
    >>> bootstrap("kafka://a:1,b")
    'a:1,b:9092'
    """
    hosts = broker.removeprefix(_SCHEME).rstrip("/").split(",")
    if not broker.startswith(_SCHEME) or not all(hosts):
        raise ConfigError(
            f"broker: {broker!r} is not an address: write kafka://host:port,"
            " with further hosts after commas"
        )
    return ",".join(_with_port(broker, host.strip().removeprefix(_SCHEME)) for host in hosts)


def split(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 host stands in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _with_port(broker: str, host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):  # the colons of a bare "[::1]" separate no port
        return f"{host}:{_DEFAULT_PORT}"
    if not name or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
        raise ConfigError(f"broker: {broker!r}: {host!r} has no port from 1 to 65535")
    return host
