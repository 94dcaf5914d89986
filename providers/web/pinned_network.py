"""Network backend with an SSRF guard: connects to the IP address that was checked (no DNS rebinding)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpcore

from core.ports import FetchError, FetchErrorCode
from providers.web.ssrf_guard import Address, SsrfGuard, parse_ip_literal

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Resolves a host name to IP addresses, best first. Raises `FetchError` if there are none."""

MAX_ADDRESSES = 4
"""Addresses of one host that are tried."""
MAX_CONCURRENT_LOOKUPS = 16


class DnsResolver:
    """The system's resolver, in a thread pool of its own, so that slow lookups block nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_LOOKUPS, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises `FetchError` if the name cannot be resolved."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _addresses, host, port)
        except socket.gaierror as error:
            is_transient = error.errno == socket.EAI_AGAIN
            raise FetchError(
                FetchErrorCode.UNKNOWN_HOST, f"The host {host} cannot be resolved.", is_transient=is_transient
            ) from error
        except (OSError, UnicodeError) as error:
            raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"The host {host} cannot be resolved.") from error
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Cancels pending lookups."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a host once, checks its addresses with the guard, and connects to one of them.

    The connection pool knows hosts by name, so certificates are verified against names.
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
        """Connects to the first address that answers. Raises `FetchError` if an address is not allowed."""
        for position, address in enumerate(addresses := await self._allowed_addresses(host, port), 1):
            try:
                return await self._network.connect_tcp(str(address), port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses):
                    raise
        raise FetchError(FetchErrorCode.UNKNOWN_HOST, f"The host {host} cannot be resolved.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore has it)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Always raises `FetchError`."""
        raise FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, "Unix sockets are not allowed.")

    async def sleep(self, seconds: float) -> None:
        """Sleeps, as required by httpcore."""
        await asyncio.sleep(seconds)

    async def _allowed_addresses(self, host: str, port: int) -> Sequence[Address]:
        literal = parse_ip_literal(host)
        if literal is not None:
            addresses = [literal]
        else:
            addresses = [ip_address(found) for found in await self._resolve(host, port)]
        self._guard.check(host, port, addresses)
        return addresses[:MAX_ADDRESSES]
