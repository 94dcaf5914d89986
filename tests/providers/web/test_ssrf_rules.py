"""The rules of the SSRF guard, each by itself and at both sides of its bounds."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore
import httpx
import pytest

from core.ports import FetchError, FetchErrorCode
from providers.web import pinned_network
from providers.web.pinned_network import DnsResolver, PinnedNetwork
from providers.web.ssrf_guard import (
    SsrfGuard,
    host_and_port,
    is_public,
    parse_ip_literal,
    parse_url,
    port_of,
    split_networks_and_names,
)

PUBLIC, INNER = ip_address("93.184.216.34"), ip_address("10.0.0.1")
NOT_PUBLIC = {
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "4000::/2",
    "8000::/1",
}
"""Every network that must not be requested; all others are public."""


def refusal(call: Callable[..., Any], *arguments: Any) -> FetchErrorCode | None:
    try:
        call(*arguments)
    except FetchError as error:
        return None if error.is_transient else error.code
    return None


def is_outside(address: int, version: type[IPv4Network] | type[IPv6Network]) -> bool:
    networks = [network for entry in NOT_PUBLIC if isinstance(network := ip_network(entry), version)]
    return not any(int(network[0]) <= address <= int(network[-1]) for network in networks)


@pytest.mark.parametrize("entry", sorted(NOT_PUBLIC))
def test_networks_end_where_they_end(entry: str) -> None:
    network = ip_network(entry)
    first, last = network[0], network[-1]

    assert (is_public(first), is_public(last)) == (False, False)
    for beside in (int(first) - 1, int(last) + 1):
        if 0 <= beside < 2**network.max_prefixlen:
            assert is_public(type(first)(beside)) is is_outside(beside, type(network))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "223.255.255.255", "2606:4700::1111", "2a00::1"]
)
def test_other_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


FORBIDDEN, BAD = FetchErrorCode.FORBIDDEN_ADDRESS, FetchErrorCode.BAD_ADDRESS


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("denied.example", FORBIDDEN),
        ("sub.denied.example", FORBIDDEN),
        ("a.b.denied.example", FORBIDDEN),
        ("notdenied.example", None),
        ("denied.example.org", None),
        ("example", None),
        ("other.example", FORBIDDEN),
        ("third.example", FORBIDDEN),
    ],
)
def test_a_denied_name_is_refused_at_a_public_address(host: str, code: FetchErrorCode | None) -> None:
    guard = SsrfGuard(denied=["denied.example", ".Other.Example.", "third.example"])

    assert refusal(guard.check, host, 443, [PUBLIC]) is code


def test_a_denied_name_is_refused_although_it_is_allowed() -> None:
    guard = SsrfGuard(allowed=["denied.example", "10.0.0.0/8"], denied=["denied.example"])

    assert refusal(guard.check, "denied.example", 443, [PUBLIC]) is FORBIDDEN
    assert refusal(guard.check, "denied.example", 443, [INNER]) is FORBIDDEN
    assert refusal(guard.check, "sub.denied.example", 443, [INNER]) is FORBIDDEN


def test_a_denied_address_is_refused_under_every_name() -> None:
    guard = SsrfGuard(allowed=["allowed.example", "93.0.0.0/8"], denied=["1.2.3.0/24", "93.184.216.34"])

    for host in ("any.example", "allowed.example"):
        assert refusal(guard.check, host, 443, [PUBLIC]) is FORBIDDEN
        assert refusal(guard.check, host, 443, [ip_address("1.2.3.255")]) is FORBIDDEN
        assert refusal(guard.check, host, 443, [ip_address("1.2.4.0")]) is None
    assert refusal(guard.check, "any.example", 443, [ip_address("93.184.216.35")]) is None


def test_every_address_of_a_host_is_checked() -> None:
    guard = SsrfGuard(allowed=["127.0.0.1"], denied=["1.2.3.4"])
    allowed, denied = ip_address("127.0.0.1"), ip_address("1.2.3.4")

    assert refusal(guard.check, "a.example", 443, [PUBLIC, PUBLIC]) is None
    assert refusal(guard.check, "a.example", 443, [PUBLIC, INNER]) is FORBIDDEN
    assert refusal(guard.check, "a.example", 443, [INNER, PUBLIC]) is FORBIDDEN
    assert refusal(guard.check, "a.example", 443, [allowed, INNER]) is FORBIDDEN
    assert refusal(guard.check, "a.example", 443, [allowed, denied]) is FORBIDDEN
    assert refusal(guard.check, "a.example", 443, [allowed, PUBLIC]) is None
    assert refusal(guard.check, "a.example", 22, [allowed, PUBLIC]) is BAD
    assert refusal(guard.check, "a.example", 443, []) is None


def test_what_is_allowed_may_be_inside_and_at_any_port() -> None:
    guard = SsrfGuard(allowed=["inner.example", "192.168.7.0/24", "127.0.0.1"])

    assert refusal(guard.check, "inner.example", 9000, [INNER]) is None
    assert refusal(guard.check, "sub.inner.example", 443, [INNER]) is FORBIDDEN
    assert refusal(guard.check, "a.example", 9000, [ip_address("192.168.7.9")]) is None
    assert refusal(guard.check, "a.example", 443, [ip_address("192.168.8.0")]) is FORBIDDEN
    assert refusal(guard.check, "127.0.0.1", 22, [ip_address("127.0.0.1")]) is None
    assert refusal(guard.check, "127.0.0.2", 443, [ip_address("127.0.0.2")]) is FORBIDDEN


@pytest.mark.parametrize(
    "port", [1, 22, 79, 80, 81, 442, 443, 444, 3128, 8000, 8079, 8080, 8081, 8442, 8443, 8444]
)
def test_four_ports_are_those_of_the_web(port: int) -> None:
    expected = None if port in (80, 443, 8080, 8443) else BAD

    assert refusal(SsrfGuard().check, "a.example", port, [PUBLIC]) is expected


def test_refusals_name_the_host_and_the_reason() -> None:
    with pytest.raises(FetchError, match=r"^The host inner\.example is not public\. The setting CRAWL_ALLOW"):
        SsrfGuard().check("inner.example", 443, [INNER])
    with pytest.raises(FetchError, match=r"^Port 22 is not allowed\.$"):
        SsrfGuard().check("a.example", 22, [PUBLIC])


def test_entries_are_networks_addresses_or_names() -> None:
    assert split_networks_and_names(["10.1.2.3/8", "::1", "Name.Example", ".sub.example.", "1.2.3"]) == (
        [ip_network("10.0.0.0/8"), ip_network("::1/128")],
        frozenset({"name.example", "sub.example", "1.2.3"}),
    )


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://A.Example", "http://a.example/"),
        ("HTTPS://a.example.:443/p?q=1#part", "https://a.example/p?q=1"),
        ("http://a.example:8080/", "http://a.example:8080/"),
        ("http://a-b_c.example/x#", "http://a-b_c.example/x"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
        ("http://a.example?q", "http://a.example/?q"),
    ],
)
def test_urls_are_normalized(url: str, normal: str) -> None:
    assert str(parse_url(url)) == normal


def test_hosts_and_urls_have_a_greatest_length() -> None:
    label = "a" * 60 + "."
    host = label * 4 + "a" * 9  # 253 characters
    prefix = "http://a.example/"

    assert parse_url(f"http://{host}/").host == host
    assert refusal(parse_url, f"http://{host}a/") is BAD
    assert len(str(parse_url(prefix + "a" * (8192 - len(prefix))))) == 8192
    assert refusal(parse_url, prefix + "a" * (8193 - len(prefix))) is BAD


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.example/" + "a" * 9000, "It must be at most 8192 characters."),
        ("http://a.example:x/", "It cannot be parsed."),
        ("ftp://a.example/", "It must start with http:// or https://."),
        ("//a.example/", "It must start with http:// or https://."),
        ("http://user@a.example/", "It must not contain credentials."),
        ("http://:password@a.example/", "It must not contain credentials."),
        ("http://", "Its host is invalid."),
        ("http://./", "Its host is invalid."),
        ("http://a%00b/", "Its host is invalid."),
        ("http://a~b.example/", "Its host is invalid."),
    ],
)
def test_a_url_that_is_refused_says_why(url: str, reason: str) -> None:
    with pytest.raises(FetchError) as refused:
        parse_url(url)

    assert (refused.value.code, str(refused.value)) == (BAD, f"The URL is not allowed. {reason}")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://a.example/", 80),
        ("https://a.example/", 443),
        ("https://a.example:80/", 80),
        ("http://a.example:81/", 81),
    ],
)
def test_the_port_is_that_of_the_url_or_of_its_scheme(url: str, port: int) -> None:
    address = httpx.URL(url)

    assert port_of(address) == port
    assert host_and_port(address) == f"a.example:{port}"


def test_a_literal_is_an_address_and_a_name_is_none() -> None:
    assert parse_ip_literal("127.0.0.1") == ip_address("127.0.0.1")
    assert parse_ip_literal("::1") == ip_address("::1")
    assert parse_ip_literal("127.1") is None
    assert parse_ip_literal("a.example") is None


class Network(httpcore.AsyncNetworkBackend):
    """Remembers what it connects to; some addresses do not answer."""

    def __init__(self, *silent: str, error: type[Exception] = httpcore.ConnectError) -> None:
        self.silent, self.error = silent, error
        self.calls: list[tuple[Any, ...]] = []

    async def connect_tcp(self, *arguments: Any) -> httpcore.AsyncNetworkStream:
        self.calls.append(arguments)
        if arguments[0] in self.silent:
            raise self.error(arguments[0])
        return httpcore.AsyncMockStream([])


def pinned_to(network: Network, *addresses: str, allowed: Sequence[str] = ()) -> PinnedNetwork:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("a.example", 443)
        return addresses

    return PinnedNetwork(SsrfGuard(allowed), resolve, network)


async def test_the_checked_address_is_connected_to_with_the_timeout_and_options() -> None:
    network = Network()

    await pinned_to(network, "1.1.1.1", "2.2.2.2").connect_tcp("a.example", 443, 7.0, "9.9.9.9", [(1, 2, 3)])
    await pinned_to(network).connect_tcp("3.3.3.3", 443)

    assert network.calls == [("1.1.1.1", 443, 7.0, None, [(1, 2, 3)]), ("3.3.3.3", 443, None, None, None)]


@pytest.mark.parametrize("error", [httpcore.ConnectError, httpcore.ConnectTimeout])
async def test_the_next_of_four_addresses_is_tried(error: type[Exception]) -> None:
    silent = [f"1.1.1.{number}" for number in range(1, 6)]
    network, all_silent = Network(*silent[:3], error=error), Network(*silent, error=error)

    await pinned_to(network, *silent).connect_tcp("a.example", 443)
    with pytest.raises(error, match=r"1\.1\.1\.4"):
        await pinned_to(all_silent, *silent).connect_tcp("a.example", 443)

    assert [call[0] for call in network.calls] == silent[:4]
    assert [call[0] for call in all_silent.calls] == silent[:4]


async def test_another_error_is_not_tried_again() -> None:
    network = Network("1.1.1.1", error=OSError)

    with pytest.raises(OSError, match=r"1\.1\.1\.1"):
        await pinned_to(network, "1.1.1.1", "2.2.2.2").connect_tcp("a.example", 443)
    assert len(network.calls) == 1


async def test_an_address_beyond_the_fourth_is_checked_too() -> None:
    network = Network()
    addresses = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "10.0.0.1"]

    with pytest.raises(FetchError) as refused:
        await pinned_to(network, *addresses).connect_tcp("a.example", 443)

    assert (refused.value.code, network.calls) == (FORBIDDEN, [])


async def test_literals_are_checked_and_names_without_an_address_are_unknown() -> None:
    network = Network()

    with pytest.raises(FetchError) as inner:
        await pinned_to(network).connect_tcp("10.0.0.1", 443)
    with pytest.raises(FetchError) as unknown:
        await pinned_to(network).connect_tcp("a.example", 443)
    with pytest.raises(FetchError) as unix:
        await pinned_to(network).connect_unix_socket("/run/docker.sock")

    assert [error.value.code for error in (inner, unknown, unix)] == [
        FORBIDDEN,
        FetchErrorCode.UNKNOWN_HOST,
        FORBIDDEN,
    ]
    assert str(unknown.value) == "The host a.example cannot be resolved."
    assert network.calls == []


async def test_sleeping_takes_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await pinned_to(Network()).sleep(0.25)

    assert slept == [0.25]


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (socket.gaierror(socket.EAI_NONAME, "never"), False),
        (OSError("out of sockets"), False),
        (UnicodeError("label too long"), False),
    ],
)
async def test_only_a_resolver_that_says_later_is_transient(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_transient: bool
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    resolver = DnsResolver()
    with pytest.raises(FetchError) as refused:
        await resolver("a.example", 443)
    resolver.close()

    assert (refused.value.code, refused.value.is_transient) == (FetchErrorCode.UNKNOWN_HOST, is_transient)
    assert str(refused.value) == "The host a.example cannot be resolved."


async def test_addresses_are_those_of_streams_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def resolve(*arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
        calls.append((*arguments, options))
        found = ["2.2.2.2", "1.1.1.1", "2.2.2.2"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    resolver = DnsResolver()

    assert await resolver("a.example", 443) == ["2.2.2.2", "1.1.1.1"]
    assert calls == [("a.example", 443, {"type": socket.SOCK_STREAM})]
    assert resolver._threads._max_workers == pinned_network.MAX_CONCURRENT_LOOKUPS == 16
    resolver.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await resolver("a.example", 443)
