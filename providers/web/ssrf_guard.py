"""Which addresses may be called."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from core.ports import FetchErrorCode, FetchError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})
"""That may be called; at hosts that are allowed by name or network, every port may."""
MAX_URL_LENGTH = 8192
MAX_HOST_LENGTH = 253

NON_PUBLIC_IPV4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a carrier's translation; a cloud's metadata among them
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent, public as it looks
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata among them
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
"""IPv4 networks of the IANA registry of special purposes that lead elsewhere than into the public web."""
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")
"""All that is public of IPv6: mapped, compatible, translated, unique local, link-local forms are outside."""
NON_PUBLIC_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, which holds any IPv4 address, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds any IPv4 address
        "3fff::/20",  # documentation
    )
)
"""What in it is not."""


def is_public(address: Address) -> bool:
    """Whether this is a host of the public web, by the registries of special purposes."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NON_PUBLIC_IPV4)
    return address in GLOBAL_UNICAST_IPV6 and not any(address in network for network in NON_PUBLIC_IPV6)


def parse_url(url: str) -> httpx.URL:
    """An address of the web in its plain form: host in lower-case ASCII without a final dot, no fragment.

    Raises `FetchError` for other schemes, user names, zones, and what can be read in two ways.
    """
    try:
        if len(url) > MAX_URL_LENGTH:
            raise bad_address("It is too long.")
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise bad_address("It can't be read.") from error
    if address.scheme not in ("http", "https"):
        raise bad_address("It does not start with http:// or https://.")
    if address.userinfo:
        raise bad_address("It holds a user name.")
    host = address.raw_host.decode("ascii").removesuffix(".")
    if not host or len(host) > MAX_HOST_LENGTH or not set(host) <= HOST_CHARACTERS:
        raise bad_address("Its host can't be read.")
    return address.copy_with(host=host, path=address.path or "/", fragment=None)


HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:")
"""Of what hosts' names and addresses consist."""


def port_of(address: httpx.URL) -> int:
    """The port that is called."""
    if address.port is not None:
        return address.port
    return 443 if address.scheme == "https" else 80


def host_and_port(address: httpx.URL) -> str:
    """By which servers are told apart."""
    return f"{address.host}:{port_of(address)}"


class SsrfGuard:
    """Decides which hosts may be called, by name and by the address that the name leads to."""

    def __init__(self, allowed: Sequence[str] = (), denied: Sequence[str] = ()) -> None:
        """Both are networks, addresses, and names; a denied name stands for all names below it too."""
        self._allowed, self._allowed_names = split_networks_and_names(allowed)
        self._denied, self._denied_names = split_networks_and_names(denied)

    def check(self, host: str, port: int, addresses: Sequence[Address]) -> None:
        """Raises `FetchError` unless all of the addresses may be called at this port, under this name."""
        if any(host == name or host.endswith(f".{name}") for name in self._denied_names):
            raise forbidden_address(host)
        for address in addresses:
            if any(address in network for network in self._denied):
                raise forbidden_address(host)
            if host in self._allowed_names or any(address in network for network in self._allowed):
                continue
            if not is_public(address):
                raise forbidden_address(host)
            if port not in ALLOWED_PORTS:
                raise FetchError(FetchErrorCode.BAD_ADDRESS, f"Port {port} is not called.")


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
    return FetchError(FetchErrorCode.BAD_ADDRESS, f"The address is not called. {reason}")


def forbidden_address(host: str) -> FetchError:
    return FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, f"{host} is not in the public web, or is not to be called.")


def parse_ip_literal(host: str) -> Address | None:
    """The address that a host is written as; None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
