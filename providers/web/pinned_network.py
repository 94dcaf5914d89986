"""Connections to the web: a name is looked up once, its addresses are judged, and one of these is called."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpcore

from core.ports import FetchErrorCode, FetchError
from providers.web.ssrf_guard import Address, SsrfGuard, parse_ip_literal

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host's name, best first. Raises `FetchError` where there are none."""

MAX_ADDRESSES = 4
"""Of one name that are tried."""
MAX_CONCURRENT_LOOKUPS = 16


class DnsResolver:
    """Asks the system's resolver, in threads of its own: slow names hold up nothing but slow names."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_LOOKUPS, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises `FetchError` where the name leads nowhere."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _addresses, host, port)
        except socket.gaierror as error:
            is_transient = error.errno == socket.EAI_AGAIN
            raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"{host} is not known.", is_transient=is_transient) from error
        except (OSError, UnicodeError) as error:
            raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"{host} is not known.") from error
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Wait for no lookup."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """Connects where the gate admits it, to the very address that was judged: names can't change in between.

    The pool above knows hosts by name, so certificates are checked against names and connections are kept.
    """

    def __init__(self, guard: SsrfGuard, resolve: Resolve, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard, self._resolve, self._network = guard, resolve, network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore has it)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first judged address that answers. Raises `FetchError` before a wrong one is called."""
        for position, address in enumerate(addresses := await self._allowed_addresses(host, port), 1):
            try:
                return await self._network.connect_tcp(str(address), port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses):
                    raise
        raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"{host} is not known.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore has it)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, "Sockets of this machine are not called.")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _allowed_addresses(self, host: str, port: int) -> Sequence[Address]:
        literal = parse_ip_literal(host)
        if literal is not None:
            addresses = [literal]
        else:
            addresses = [ip_address(found) for found in await self._resolve(host, port)]
        self._guard.check(host, port, addresses)
        return addresses[:MAX_ADDRESSES]
