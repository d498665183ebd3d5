"""Check the URLs and addresses of webhooks. Pure: no DNS, no connections."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from yarl import URL

from streamproc.errors import StreamprocError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HTTPS_PORT: Final = 443
_MAX_URL_LENGTH: Final = 2048
# Not private in the tables of every Python version: a cloud's metadata service, and addresses
# reserved for protocols.
_SPECIAL: Final = (
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)
# Prefixes that routers translate to the IPv4 address in the last four bytes.
_NAT64: Final = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
)


class TargetRefusedError(StreamprocError):
    """A webhook's target is not allowed; nothing was sent.

    Correct the URL, or allow what the message names.
    """


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Permitted targets, sizes and time of webhooks.

    Parameters
    ----------
    hosts
        Permitted hosts, as ``hooks.example.org`` or ``*.example.org``, in lower case; with
        ``:port`` unless it is 443.
    networks
        Permitted networks that are not public: loopback, private and link-local addresses, cloud
        metadata services and the like are refused otherwise.
    seconds
        Timeout of one delivery.
    plain
        Whether connections without TLS are permitted; then every address has to be in `networks`.
    request_bytes, answer_bytes
        Maximum size of a request body; maximum bytes read of a response.
    """

    hosts: tuple[str, ...]
    networks: tuple[Network, ...] = ()
    seconds: float = 10.0
    request_bytes: int = 262_144
    answer_bytes: int = 65_536
    plain: bool = False


def check_url(text: str, rules: EgressPolicy) -> URL:
    """Parse and check a target's URL.

    Parameters
    ----------
    text
        The configured URL.
    rules
        Permitted targets.

    Raises
    ------
    TargetRefusedError
        If it is not https, not allowed, or not a public address. The message does not
        repeat the URL: its path is often a secret.

    Examples
    --------
    >>> rules = EgressPolicy(hosts=("hooks.example.org",))
    >>> check_url("https://hooks.example.org/a", rules).host
    'hooks.example.org'
    >>> try:
    ...     check_url("http://hooks.example.org/a", rules)
    ... except TargetRefusedError as error:
    ...     print(error)
    webhook target refused: expected https://, found http://
    """
    if len(text) > _MAX_URL_LENGTH:
        raise _refused(f"the URL is longer than {_MAX_URL_LENGTH} characters")
    try:
        url = URL(text)
        host, port = (url.host or "").lower().removesuffix("."), url.port
    except ValueError:  # its message repeats the URL
        raise _refused("it is not a URL") from None
    if url.scheme != "https" and not (rules.plain and url.scheme == "http"):
        raise _refused(f"expected https://, found {url.scheme or 'no scheme'}://")
    if url.user is not None or url.password is not None:
        raise _refused("the URL contains a user or a password")
    if not host or not _allowed(host, port or _HTTPS_PORT, rules):
        raise _refused(f"host {host!r}, port {port} is not allowed; add it to allow")
    address = _literal(host)
    if address is not None:
        check_address(address, rules)
    return url


def check_address(address: Address, rules: EgressPolicy) -> None:
    """Check the address of a connection before it is opened.

    Raises
    ------
    TargetRefusedError
        If it is neither public nor allowed.

    Examples
    --------
    >>> check_address(ipaddress.ip_address("8.8.8.8"), EgressPolicy(hosts=()))
    """
    if any(address in network for network in rules.networks):
        return
    if rules.plain:
        raise _refused(f"no TLS to {address}; use TLS, or allow its network in networks")
    for meant in _meanings(address):
        public = meant.is_global and not (meant.is_multicast or meant.is_reserved)
        if not public or any(meant in network for network in _SPECIAL):
            raise _refused(f"address {address} is not public; allow its network in networks")


def _meanings(address: Address) -> Iterator[Address]:
    """Yield an address, and the ones that routers may translate it to."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is not None:
        yield mapped  # the same address in IPv6 notation
        return
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if any(address in network for network in _NAT64):
            yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def _allowed(host: str, port: int, rules: EgressPolicy) -> bool:
    for pattern in rules.hosts:
        name, colon, number = (
            pattern.rpartition(":") if pattern[-1:].isdigit() else (pattern, "", "")
        )
        if not colon or not number.isdigit():
            name, number = pattern, str(_HTTPS_PORT)
        if str(port) == number and fnmatchcase(host, name):
            return True
    return False


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(reason: str) -> TargetRefusedError:
    return TargetRefusedError(f"webhook target refused: {reason}")
