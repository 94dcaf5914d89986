"""Comparison of two results of one request, error for error."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]

ERROR_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class FieldError:
    """An error of a result: its position, and all that clients see of it."""

    path: Path
    seen: str


@dataclass
class Outcome:
    """What a request led to: data, errors in their order, extensions, and what resolvers did."""

    data: Any = None
    errors: list[FieldError] = field(default_factory=list)
    extensions: Any = None
    raised: str = ""
    calls: list[str] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was executed."""
        return bool(self.raised) or (self.data is None and any(not error.path for error in self.errors))


def outcome(result: Any, calls: list[str] | None = None) -> Outcome:
    """The outcome of a result, with plain data in the order of its fields."""
    return Outcome(
        data=plain(result.data),
        errors=[field_error(error) for error in result.errors or ()],
        extensions=result.extensions,
        calls=calls or [],
    )


def combine_events(events: list[Outcome]) -> Outcome:
    """The outcomes of all events of a subscription as one."""
    return Outcome(
        data=[event.data for event in events],
        errors=[
            FieldError((number, *error.path), error.seen)
            for number, event in enumerate(events)
            for error in event.errors
        ],
        extensions=[event.extensions for event in events],
    )


def plain(value: Any) -> Any:
    """The value with dictionaries and lists only."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def field_error(error: Any) -> FieldError:
    """An error of a result. The ids of log entries are drawn anew for each operation."""
    extensions = dict(error.extensions or {})
    if ERROR_ID.fullmatch(str(extensions.get("id"))):
        extensions["id"] = "log entry"
    locations = [(each.line, each.column) for each in error.locations or ()]
    seen = json.dumps([error.message, error.path, locations, extensions], default=repr, sort_keys=True)
    return FieldError(tuple(error.path or ()), seen)


def as_json(value: Any) -> str:
    """The value as text: fields in their order, numbers of different types differ."""
    return json.dumps(value, default=lambda other: f"{type(other).__name__} {other!r}")


def differences(stock: Outcome, other: Outcome, possible: list[FieldError] | None = None) -> list[str]:
    """What is different between the two, one line each; nothing if they are equal.

    Where `possible` has several errors below one position that is null, which of them are reported depends on
    what resolvers finish first. There each result must report at least one, and none but these.
    """
    found = []
    if stock.raised != other.raised:
        found.append(f"raised: {stock.raised!r} and {other.raised!r}")
    if as_json(stock.data) != as_json(other.data):
        found.append(f"data: {as_json(stock.data)}\n  and {as_json(other.data)}")
    if as_json(stock.extensions) != as_json(other.extensions):
        found.append(f"extensions: {stock.extensions} and {other.extensions}")
    if stock.calls != other.calls:
        found.append(f"calls: {stock.calls} and {other.calls}")
    if not found and stock.errors != other.errors:
        found += error_differences(stock, other, possible or [])
    return found


def error_differences(stock: Outcome, other: Outcome, possible: list[FieldError]) -> Iterator[str]:
    """What is different between the errors of two results with the same data."""
    ambiguous = ambiguous_positions(stock.data, possible)
    expected, received = error_order(stock, ambiguous), error_order(other, ambiguous)
    if expected != received:
        yield f"errors: {expected}\n  and {received}"
    allowed = {error.seen for error in possible}
    for name, result in (("stock", stock), ("other", other)):
        for error in result.errors:
            if nulled_position(result.data, error.path) in ambiguous and error.seen not in allowed:
                yield f"errors: {name} reports {error.seen}, which is not possible"


def error_order(result: Outcome, ambiguous: set[Path]) -> list[str]:
    """The errors in their order, those below an ambiguous position as one."""
    found: dict[str, None] = {}
    for error in result.errors:
        position = nulled_position(result.data, error.path)
        found[f"below {position}" if position in ambiguous else error.seen] = None
    return list(found)


def ambiguous_positions(data: Any, possible: list[FieldError]) -> set[Path]:
    """The positions of null below which more than one error is possible."""
    positions = [nulled_position(data, error.path) for error in possible]
    return {position for position in positions if positions.count(position) > 1}


def nulled_position(data: Any, path: Path) -> Path:
    """The first position on the path at which the data is null."""
    for depth, step in enumerate(path):
        if data is None:
            return path[:depth]
        data = data[step]
    return path
