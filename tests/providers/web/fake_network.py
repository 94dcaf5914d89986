"""A network of the tests' own: names lead where a test says, and every connection is seen."""

import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import httpcore

from core.ports import FetchError, FetchErrorCode, ReserveSlot
from core.settings import load_settings
from providers.web import WebFetcher
from tests.providers.web.fake_site import Site

PUBLIC, OTHER = "93.184.216.34", "93.184.216.35"
"""Addresses of the public web; on the wire they lead to sites of this machine."""
MEBIBYTE = 1024 * 1024


@dataclass
class Wire(httpcore.AsyncNetworkBackend):
    """Names, what they lead to one look-up after the other (the last for ever), and sites by address."""

    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    called: list[tuple[str, int]] = field(default_factory=list)
    """Connections that were begun, by address and port."""

    def name(self, host: str, *addresses: str | Sequence[str]) -> None:
        """Let a name lead to an address, or to another at each look-up."""
        self.names[host] = [[each] if isinstance(each, str) else each for each in addresses]

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name; what is a number is read as the system's resolver reads it."""
        self.looked_up.append(host)
        if answers := self.names.get(host):
            return answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except OSError as error:
            raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"{host} is not known.") from error
        return [str(each[4][0]) for each in found]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the site that is put there; nowhere else."""
        self.called.append((host, port))
        if host not in self.sites:
            raise httpcore.ConnectError("nothing is there")
        real = urlsplit(self.sites[host].url)
        return await httpcore.AnyIOBackend().connect_tcp(str(real.hostname), real.port or 0, timeout)


@asynccontextmanager
async def open_fetcher(
    wire: Wire | None = None,
    *,
    take_turn: ReserveSlot | None = None,
    tls: SSLContext | None = None,
    **settings: Any,
) -> AsyncIterator[WebFetcher]:
    """A fetcher on this wire, or on the real network, that does not try again unless told otherwise."""
    chosen = load_settings({"crawl_host_interval": 0, "crawl_retries": 0, "crawl_timeout": 60, **settings})
    on_it: dict[str, Any] = {} if wire is None else {"resolve": wire.resolve, "network": wire}
    fetcher = WebFetcher(chosen, reserve_slot=take_turn, tls=tls, **on_it)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def refusal(awaitable: Any) -> FetchError:
    """The refusal that this ends with; an error where it is none."""
    try:
        answer = await awaitable
    except FetchError as refused:
        return refused
    raise AssertionError(f"not refused: {answer}")
