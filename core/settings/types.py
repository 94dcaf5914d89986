"""Types of settings: lists, queue counts and URLs in environment variables."""

from ipaddress import ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PositiveInt
from pydantic_settings import NoDecode


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _counts(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(name.strip() and number.strip().isdecimal() for name, _, number in pairs):
        raise ValueError("must be queues and numbers, such as chat=2,drawings=1")
    return {name.strip(): int(number) for name, _, number in pairs}


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list that is separated by commas in the environment."""

QueueCounts = Annotated[dict[str, PositiveInt], NoDecode, BeforeValidator(_counts)]
"""Queues with a number each, such as `chat=2,drawings=1`."""


def _networks(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        try:
            ip_network(part)
        except ValueError:
            raise ValueError(
                "must be networks such as 10.0.0.0/8 or addresses, separated by commas"
            ) from None
    return parts


Networks = Annotated[CommaSeparated, AfterValidator(_networks)]
"""Networks in CIDR notation or addresses, separated by commas in the environment."""


def http_url(url: str) -> str:
    """The URL without a trailing slash. Raises `ValueError` unless it starts with http:// or https://."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError("must be a URL that starts with http:// or https://")
    return url.rstrip("/")
