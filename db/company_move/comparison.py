"""Comparison of a company's rows in two databases by digests, so that equal rows cost little.

A digest combines the hashes of the rows of a table, or of a bucket of them. Rows are recent if they were
written by a transaction from a horizon on (`Site.horizon`): once two tables are known to be equal, comparing
the recent rows and all keys is enough to find what differs since.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Any, NamedTuple

from db.company_move.site import Site
from db.company_move.tables import CompanyTable

BUCKET = 256
"""Rows in a bucket, about."""

RECENT = "age(t.xmin) <= (SELECT age($2::text::xid8::xid))"

Key = Any
"""The key of a row, as the driver returns it."""


class Digest(NamedTuple):
    """Number and combined hash of keys, and of recent rows."""

    rows: int = 0
    keys: int = 0
    recent: int = 0
    content: int = 0


EMPTY = Digest()


@dataclass
class Scan:
    """Digests of a table by bucket, and the keys of recent rows."""

    buckets: dict[int, Digest] = field(default_factory=dict)
    recent: set[Key] = field(default_factory=set)

    def total(self) -> Digest:
        """The digest of the whole table."""
        found = list(self.buckets.values())
        return Digest(
            sum(digest.rows for digest in found),
            reduce(xor, (digest.keys for digest in found), 0),
            sum(digest.recent for digest in found),
            reduce(xor, (digest.content for digest in found), 0),
        )

    def settled(self) -> "Scan":
        """The scan when no row is recent any more."""
        return Scan({number: Digest(digest.rows, digest.keys) for number, digest in self.buckets.items()})

    def without(self, keys: Iterable[tuple[int, int]]) -> "Scan":
        """The settled scan without rows of these buckets and hashes of keys."""
        found = self.settled()
        for bucket, value in keys:
            digest = found.buckets.get(bucket, EMPTY)
            found.buckets[bucket] = Digest(digest.rows - 1, digest.keys ^ value)
        return found

    def unequal(self, other: "Scan") -> Sequence[int]:
        """The buckets whose digests differ."""
        one, two = self.buckets, other.buckets
        return [
            number for number in one.keys() | two.keys() if one.get(number, EMPTY) != two.get(number, EMPTY)
        ]


@dataclass
class Difference:
    """Keys of a table to transfer to the target, and keys to delete there."""

    table: CompanyTable
    changed: set[Key] = field(default_factory=set)
    extra: set[Key] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.changed) + len(self.extra)

    def add(self, source: Mapping[Key, int], target: Mapping[Key, int]) -> None:
        """Adds keys whose hashes differ. The target may have rows in transit of its own."""
        self.changed |= {key for key, value in source.items() if target.get(key) != value}
        if not self.table.in_transit:
            self.extra |= target.keys() - source.keys()


def row_hash(table: CompanyTable, columns: Sequence[str]) -> str:
    """The hash of a row's text, which is the same for all versions of PostgreSQL."""
    values = ", ".join(f't."{name}"' for name in columns)
    return f"hashtextextended(ROW({values})::text, 0)"


def key_hash(table: CompanyTable) -> str:
    """The hash of a row's key."""
    key = f't."{table.key}"'
    is_uuid = table.key_type == "UUID"
    return f"uuid_hash_extended({key}, 0)" if is_uuid else f"hashtextextended({key}::text, 0)"


async def stable_digests(site: Site, tables: Iterable[CompanyTable], horizon: str) -> dict[str, Digest]:
    """Digests of whole tables by name, with the rows since the horizon as recent ones.

    Volatile columns are left out, and all rows of tables with such columns are recent.
    """
    parts = []
    for table in tables:
        recent = "true" if table.volatile else RECENT
        parts.append(
            f"SELECT '{table.name}' AS name, count(*) AS rows, "
            f"coalesce(bit_xor({key_hash(table)}), 0) AS keys, count(*) FILTER (WHERE {recent}) AS recent, "
            f"coalesce(bit_xor({row_hash(table, table.stable)}) FILTER (WHERE {recent}), 0) AS content "
            f"FROM {table.name} AS t WHERE company_id = $1 AND $2::text IS NOT NULL"
        )
    rows = await site.fetch(" UNION ALL ".join(parts), site.company_id, horizon)
    return {row["name"]: Digest(row["rows"], row["keys"], row["recent"], row["content"]) for row in rows}


class Comparison:
    """Compares tables of two databases. Rows are in buckets by the hash of their key."""

    def __init__(self, source: Site, target: Site) -> None:
        self._source, self._target = source, target
        self._masks: dict[str, int] = {}

    async def scan(self, site: Site, tables: Sequence[CompanyTable], horizon: str | None) -> dict[str, Scan]:
        """Scans of tables by name. All rows are recent without a horizon, and their keys are not listed."""
        parts = []
        for table in tables:
            await self._choose_buckets(table)
            recent, keys = "true", "NULL::text[]"
            if horizon is not None:
                recent, keys = RECENT, f'array_agg(t."{table.key}"::text) FILTER (WHERE {RECENT})'
            parts.append(
                f"SELECT '{table.name}' AS name, {self._bucket(table)} AS bucket, count(*) AS rows, "
                f"bit_xor({key_hash(table)}) AS keys, count(*) FILTER (WHERE {recent}) AS recent, "
                f"coalesce(bit_xor({row_hash(table, table.columns)}) FILTER (WHERE {recent}), 0) AS content, "
                f"{keys} AS recent_keys FROM {table.name} AS t "
                "WHERE company_id = $1 AND $2::text IS NOT NULL GROUP BY 2"
            )
        found = {table.name: Scan() for table in tables}
        reading = {table.name: table.read_key for table in tables}
        for row in await site.fetch(" UNION ALL ".join(parts), site.company_id, horizon or ""):
            scan = found[row["name"]]
            scan.buckets[row["bucket"]] = Digest(row["rows"], row["keys"], row["recent"], row["content"])
            scan.recent.update(map(reading[row["name"]], row["recent_keys"] or ()))
        return found

    async def compare_all(self, table: CompanyTable, source: Scan, target: Scan) -> Difference:
        """What differs in a table, of which all rows are recent in both scans."""
        difference = Difference(table)
        if buckets := source.unequal(target):
            await self._compare_buckets(difference, buckets, row_hash(table, table.columns))
        return difference

    async def compare_recent(self, table: CompanyTable, source: Scan, target: Scan) -> Difference:
        """What differs in a table whose rows are equal if they exist, except for recent ones."""
        difference = Difference(table)
        if keys := source.recent | target.recent:
            source, target = await self._compare_rows(difference, keys, source, target)
        else:
            source, target = source.settled(), target.settled()
        if buckets := source.unequal(target):
            await self._compare_buckets(difference, buckets, key_hash(table))
        return difference

    async def _compare_rows(
        self, difference: Difference, keys: Collection[Key], source: Scan, target: Scan
    ) -> tuple[Scan, Scan]:
        """Adds the rows with these keys that differ. Returns the scans without those that one side lacks."""
        table = difference.table
        statement = (
            f'SELECT t."{table.key}" AS key, {self._bucket(table)} AS bucket, {key_hash(table)} AS hash, '
            f"{row_hash(table, table.columns)} AS content FROM {table.name} AS t "
            f'WHERE company_id = $1 AND "{table.key}" = ANY($2::{table.key_type}[])'
        )
        one, other = await self._both(statement, list(keys))
        difference.add(
            {key: row["content"] for key, row in one.items()},
            {key: row["content"] for key, row in other.items()},
        )
        left = [one[key] for key in one.keys() - other.keys()]
        right = [other[key] for key in other.keys() - one.keys()]
        return (
            source.without((row["bucket"], row["hash"]) for row in left),
            target.without((row["bucket"], row["hash"]) for row in right),
        )

    async def _compare_buckets(self, difference: Difference, buckets: Sequence[int], content: str) -> None:
        """Adds the rows in these buckets whose hashes differ."""
        table = difference.table
        statement = (
            f'SELECT t."{table.key}" AS key, {content} AS content FROM {table.name} AS t '
            f"WHERE company_id = $1 AND {self._bucket(table)} = ANY($2::bigint[])"
        )
        one, other = await self._both(statement, buckets)
        difference.add(
            {key: row["content"] for key, row in one.items()},
            {key: row["content"] for key, row in other.items()},
        )

    async def _both(self, statement: str, values: object) -> tuple[Mapping[Key, Any], Mapping[Key, Any]]:
        """The rows of both databases by their keys."""
        found = await asyncio.gather(
            *(site.fetch(statement, site.company_id, values) for site in (self._source, self._target))
        )
        one, other = ({row["key"]: row for row in rows} for rows in found)
        return one, other

    async def _choose_buckets(self, table: CompanyTable) -> None:
        if table.name not in self._masks:
            statement = f"SELECT count(*) AS rows FROM {table.name} WHERE company_id = $1"
            [row] = await self._source.fetch(statement, self._source.company_id)
            self._masks[table.name] = (1 << (row["rows"] // BUCKET).bit_length()) - 1

    def _bucket(self, table: CompanyTable) -> str:
        return f"({key_hash(table)} & {self._masks[table.name]})"


def as_json(found: Mapping[str, Digest]) -> dict[str, list[str]]:
    """Digests as JSON; numbers of 64 bits are texts there."""
    return {name: [str(number) for number in digest] for name, digest in found.items()}


def from_json(stored: Mapping[str, Sequence[str]]) -> dict[str, Digest]:
    """Digests that `as_json` has written."""
    return {name: Digest(*map(int, numbers)) for name, numbers in stored.items()}
