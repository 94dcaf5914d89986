"""Conditional and range requests, as RFC 9110 (13 and 14) means them."""

import re
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime

from core.ports import StoredObject

ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)


class Unsatisfiable(Exception):
    """No byte of the object is in the range."""


def last_modified(found: StoredObject) -> str:
    """The instant of the last change as HTTP writes it, in whole seconds."""
    return format_datetime(found.modified_at.replace(microsecond=0), usegmt=True)


def is_not_modified(headers: Mapping[str, str], found: StoredObject) -> bool:
    """Whether the client's copy is still good, so that 304 is the answer."""
    known = headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or ENTITY_TAG.findall(found.etag) in (
            [tag] for tag in ENTITY_TAG.findall(known)
        )
    since = headers.get("if-modified-since")
    return since is not None and not later(found, since)


def later(found: StoredObject, date: str) -> bool:
    """Whether the object changed after an HTTP date; a date that cannot be read is before everything."""
    try:
        return found.modified_at.replace(microsecond=0) > parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return True


def wanted_range(headers: Mapping[str, str], found: StoredObject) -> tuple[int, int] | None:
    """The one range that is asked for, as (start, end) without the end; None stands for the whole object.

    Several ranges, other units, what cannot be read and ranges of another version (`If-Range`) are ignored.
    Raises `Unsatisfiable`.
    """
    match = RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or match.groups() == ("", "") or not same_version(headers.get("if-range"), found):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, found.size - int(last)), found.size
    else:
        start, end = int(first), min(found.size, int(last) + 1) if last else found.size
        if last and int(last) < start:
            return None
    if start >= end:
        raise Unsatisfiable
    return start, end


def same_version(condition: str | None, found: StoredObject) -> bool:
    """Whether `If-Range` is absent or names this version: by a strong entity tag, or by the exact date."""
    return condition is None or condition.strip() in (found.etag, last_modified(found))
