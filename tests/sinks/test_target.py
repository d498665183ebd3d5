import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.sinks.target import EgressPolicy, TargetRefusedError, check_address, check_url

RULES = EgressPolicy(
    hosts=("hooks.example.org", "*.chat.example", "on-call.example:8443", "93.184.215.14")
)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org",
        "https://HOOKS.example.org:443/path?key=1",
        "https://hooks.example.org./path",
        "https://a.chat.example/path",
        "https://on-call.example:8443/",
        "https://93.184.215.14/",
    ],
)
def test_allowed_targets(url: str) -> None:
    """An https URL of a host on the list may be sent to."""
    assert check_url(url, RULES).scheme == "https"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.org/", "expected https://"),
        ("ftp://hooks.example.org/", "expected https://"),
        ("hooks.example.org/", "expected https://"),
        ("file:///etc/passwd", "expected https://"),
        ("", "expected https://"),
        ("https://", "is not allowed|not a URL"),
        ("https:///path", "is not allowed|not a URL"),
        ("https://example.org/", "is not allowed"),
        ("https://chat.example/", "is not allowed"),
        ("https://hooks.example.org.evil.example/", "is not allowed"),
        ("https://hooks.example.org:8443/", "is not allowed"),
        ("https://on-call.example/", "is not allowed"),
        ("https://hooks.example.org@evil.example/", "user or a password"),
        ("https://me:pw@hooks.example.org/", "user or a password"),  # pragma: allowlist secret
        (r"https://evil.example\@hooks.example.org/", "is not allowed|user or|not a URL"),
        ("https://evil.example#@hooks.example.org/", "is not allowed"),
        ("https://127.0.0.1/", "is not allowed"),
        ("https://[::1]/", "is not allowed"),
        ("https://[::1/", "not a URL"),
        ("https://hooks.example.org:99999/", "not a URL"),
        ("https://hooks.example.org/" + "x" * 3000, "longer than"),
    ],
)
def test_refused_targets(url: str, reason: str) -> None:
    """Anything but https to a host on the list is refused."""
    with pytest.raises(TargetRefusedError, match=reason):
        check_url(url, RULES)


def test_a_path_is_not_repeated() -> None:
    """What is refused is told without the path, which is often the secret of a webhook."""
    for url in ("http://a.example/T0KEN", "https://b.example/T0KEN", "https://[/T0KEN"):
        with pytest.raises(TargetRefusedError) as caught:
            check_url(url, RULES)
        assert "T0KEN" not in str(caught.value)
        assert caught.value.__cause__ is None


PRIVATE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_our_own_network_are_refused(address: str) -> None:
    """Loopback, link-local, private and metadata addresses, however written, are not reached."""
    with pytest.raises(TargetRefusedError, match="is not public"):
        check_address(ipaddress.ip_address(address), RULES)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    """What lies on the public internet may be connected to."""
    check_address(ipaddress.ip_address(address), RULES)


def test_a_network_of_our_own_can_be_allowed() -> None:
    """A private address is reached only where its network is on the list."""
    rules = EgressPolicy(hosts=("10.2.3.4",), networks=(ipaddress.ip_network("10.2.0.0/16"),))
    assert check_url("https://10.2.3.4/", rules).host == "10.2.3.4"
    with pytest.raises(TargetRefusedError):
        check_address(ipaddress.ip_address("10.3.0.1"), rules)


@given(st.text(max_size=80) | st.text(max_size=60).map("https://{}".format))
def test_no_text_gets_past_the_list(text: str) -> None:
    """Whatever stands there, what is let through is https and a host on the list."""
    try:
        url = check_url(text, RULES)
    except TargetRefusedError:
        return
    host = (url.host or "").lower().removesuffix(".")
    assert url.scheme == "https"
    assert host in RULES.hosts or host.endswith(".chat.example") or host == "on-call.example"
