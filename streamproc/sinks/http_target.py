"""Build what every HTTP sink needs: the egress policy, the URL and the certificates."""

import ipaddress
import ssl
from collections.abc import Sequence

from pydantic import SecretStr
from yarl import URL

from streamproc.config.sink import SinkSection
from streamproc.errors import ConfigError
from streamproc.sinks.http_post import open_post
from streamproc.sinks.sink import OpenSend
from streamproc.sinks.target import EgressPolicy, check_url


def egress_policy(
    section: SinkSection, hosts: Sequence[str], *, plain: bool = False
) -> EgressPolicy:
    """Return which targets, sizes and times a sink permits."""
    return EgressPolicy(
        hosts=tuple(hosts),
        networks=tuple(map(ipaddress.ip_network, section.networks)),
        seconds=section.timeout.total_seconds(),
        request_bytes=section.max_bytes,
        plain=plain,
    )


def host_of(url: str) -> str:
    """Return the only permitted host, of a URL that the configuration shows.

    Examples
    --------
    >>> host_of("http://alertmanager:9093/prefix"), host_of("https://events.pagerduty.com/v2")
    ('alertmanager:9093', 'events.pagerduty.com:443')
    """
    try:
        parsed = URL(url)
        return f"{(parsed.host or '').lower()}:{parsed.port}"
    except ValueError:  # `check_url` reports it
        return ""


def http_opener(section: SinkSection, url: SecretStr, rules: EgressPolicy, field: str) -> OpenSend:
    """Check URL and certificates now; return what opens the connection pool later.

    Raises
    ------
    TargetRefusedError
        If the URL is not allowed.
    ConfigError
        If the certificates cannot be read.
    """
    check_url(url.get_secret_value(), rules)
    tls_of(section, field)
    return lambda: open_post(rules, tls=tls_of(section, field))


def tls_of(section: SinkSection, field: str) -> ssl.SSLContext:
    """Load the trusted authorities.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has no certificate.
    """
    try:
        return ssl.create_default_context(cafile=section.ca_file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{field}.ca_file: cannot use {section.ca_file}: {reason}") from None
