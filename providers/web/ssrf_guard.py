"""SSRF guard: which hosts, IP addresses and ports may be requested."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from core.ports import FetchError, FetchErrorCode

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})
"""Ports that may be requested. Hosts on the allow list may be requested at any port."""
MAX_URL_LENGTH = 8192
MAX_HOST_LENGTH = 253

NON_PUBLIC_IPV4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; includes a cloud metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud host agent, although the range is public
        "169.254.0.0/16",  # link-local; most cloud metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; includes a cloud metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""IPv4 networks that are not public (IANA Special-Purpose Address Registry)."""
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")
"""The public IPv6 range; mapped, translated, unique local and link-local addresses are outside."""
NON_PUBLIC_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo (embeds any IPv4 address), benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 (embeds any IPv4 address)
        "3fff::/20",  # documentation
    )
)
"""Networks of that range that are not public."""


def is_public(address: Address) -> bool:
    """Whether the address is globally reachable, by the IANA registries."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NON_PUBLIC_IPV4)
    return address in GLOBAL_UNICAST_IPV6 and not any(address in network for network in NON_PUBLIC_IPV6)


@lru_cache(maxsize=2000)
def parse_url(url: str) -> httpx.URL:
    """Parses and normalizes a URL: host in lower-case ASCII without a final dot, no fragment.

    Raises `FetchError` for other schemes than `http` and `https`, credentials, zones, and ambiguous hosts.
    """
    try:
        if len(url) > MAX_URL_LENGTH:
            raise bad_address(f"It must be at most {MAX_URL_LENGTH} characters.")
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise bad_address("It cannot be parsed.") from error
    if address.scheme not in ("http", "https"):
        raise bad_address("It must start with http:// or https://.")
    if address.userinfo:
        raise bad_address("It must not contain credentials.")
    host = address.raw_host.decode("ascii").removesuffix(".")
    if not host or len(host) > MAX_HOST_LENGTH or not set(host) <= HOST_CHARACTERS:
        raise bad_address("Its host is invalid.")
    return address.copy_with(host=host, path=address.path or "/", fragment=None)


HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:")
"""Characters of host names and IP addresses."""


def port_of(address: httpx.URL) -> int:
    """The port of the URL, or the default of its scheme."""
    if address.port is not None:
        return address.port
    return 443 if address.scheme == "https" else 80


def host_and_port(address: httpx.URL) -> str:
    """The key of a server for rate limits and caches."""
    return f"{address.host}:{port_of(address)}"


class SsrfGuard:
    """Decides which hosts may be requested, by name and by resolved address."""

    def __init__(self, allowed: Sequence[str] = (), denied: Sequence[str] = ()) -> None:
        """Entries are networks, addresses or names; a denied name includes its subdomains."""
        self._allowed, self._allowed_names = split_networks_and_names(allowed)
        self._denied, self._denied_names = split_networks_and_names(denied)

    def check(self, host: str, port: int, addresses: Sequence[Address]) -> None:
        """Raises `FetchError` unless all addresses of the host are allowed at this port."""
        if any(host == name or host.endswith(f".{name}") for name in self._denied_names):
            raise denied_address(host)
        for address in addresses:
            if any(address in network for network in self._denied):
                raise denied_address(host)
            if host in self._allowed_names or any(address in network for network in self._allowed):
                continue
            if not is_public(address):
                raise forbidden_address(host)
            if port not in ALLOWED_PORTS:
                raise FetchError(FetchErrorCode.BAD_ADDRESS, f"Port {port} is not allowed.")


def split_networks_and_names(entries: Sequence[str]) -> tuple[list[Network], frozenset[str]]:
    networks: list[Network] = []
    names: set[str] = set()
    for entry in entries:
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            names.add(entry.lower().strip("."))
    return networks, frozenset(names)


def bad_address(reason: str) -> FetchError:
    return FetchError(FetchErrorCode.BAD_ADDRESS, f"The URL is not allowed. {reason}")


def forbidden_address(host: str) -> FetchError:
    return FetchError(
        FetchErrorCode.FORBIDDEN_ADDRESS,
        f"The host {host} is not public. The setting CRAWL_ALLOW names hosts that are crawled nevertheless.",
    )


def denied_address(host: str) -> FetchError:
    return FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, f"The setting CRAWL_DENY excludes the host {host}.")


def parse_ip_literal(host: str) -> Address | None:
    """The IP address that a host is written as; None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
