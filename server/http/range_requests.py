"""Conditional and range requests (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime

from core.ports import StoredObject

ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range is outside the object."""


def last_modified(stored: StoredObject) -> str:
    """The `Last-Modified` value of an object."""
    return format_datetime(stored.modified_at.replace(microsecond=0), usegmt=True)


def is_not_modified(headers: Mapping[str, str], stored: StoredObject) -> bool:
    """Whether the client's copy is current, so that the response is 304."""
    known = headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or ENTITY_TAG.findall(stored.etag) in (
            [tag] for tag in ENTITY_TAG.findall(known)
        )
    since = headers.get("if-modified-since")
    return since is not None and not is_modified_since(stored, since)


def is_modified_since(stored: StoredObject, date: str) -> bool:
    """Whether the object was modified after an HTTP date; true for an invalid date."""
    try:
        return stored.modified_at.replace(microsecond=0) > parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return True


def requested_range(headers: Mapping[str, str], stored: StoredObject) -> tuple[int, int] | None:
    """The requested range as (start, end), end exclusive; None for the whole object.

    Multiple ranges, other units, invalid ranges and ranges of another version (`If-Range`) are ignored.
    Raises `Unsatisfiable`.
    """
    match = RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or match.groups() == ("", "") or not same_version(headers.get("if-range"), stored):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, stored.size - int(last)), stored.size
    else:
        start, end = int(first), min(stored.size, int(last) + 1) if last else stored.size
        if last and int(last) < start:
            return None
    if start >= end:
        raise Unsatisfiable
    return start, end


def same_version(condition: str | None, stored: StoredObject) -> bool:
    """Whether `If-Range` is absent or matches this version, by strong entity tag or exact date."""
    return condition is None or condition.strip() in (stored.etag, last_modified(stored))
