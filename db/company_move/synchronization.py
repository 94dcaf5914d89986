"""Synchronization of the target of a move with its source: the first copy, and what changed since."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from db.company_move.comparison import Comparison, Difference, Digest, Key, Scan, stable_digests
from db.company_move.site import MoveError, Site
from db.company_move.tables import CompanyTable
from db.company_move.transfer import BATCH, delete_keys, transfer_late_columns, transfer_rows

MAX_PASSES = 6
"""Passes after which the rows are equal: a deletion can take others along, which are copied again."""

OF_COMPANY = "WHERE company_id = $1"


class Synchronization:
    """Makes the target's rows of a company equal to the source's. Nobody else writes them.

    Rows in transit are copied in the end only, and not at all from the primary, whose outbox serves companies
    of other databases.
    """

    def __init__(self, source: Site, target: Site, tables: Sequence[CompanyTable]) -> None:
        self.source, self.target = source, target
        self._settled = [table for table in tables if not table.in_transit]
        self._in_transit = [table for table in tables if table.in_transit and not source.is_primary]
        self._comparison = Comparison(source, target)
        self._horizon: str | None = None
        """The horizon since which rows of the source may differ from the target's."""
        self._known: dict[str, Scan] = {}
        """The target's digests when its rows were last found equal to the source's."""

    async def copy(self) -> int:
        """Copies all rows as one snapshot sees them, to a target without rows. Returns their number."""
        count = 0
        async with self.source.snapshot():
            for table in self._settled:
                bounds = [None, *await key_bounds(self.source, table), None]
                for low, high in pairwise(bounds):
                    condition = range_condition(table, low, high)
                    count += await transfer_rows(
                        self.source, self.target, table, condition, self.source.company_id, [low, high]
                    )
                await transfer_late_columns(
                    self.source, self.target, table, OF_COMPANY, self.source.company_id
                )
        return count

    async def compare(self) -> int:
        """Transfers what differs, of all rows as one snapshot sees them. Returns the number of rows."""
        count = 0
        async with self.source.snapshot():
            horizon = await self.source.horizon()
            for _ in range(MAX_PASSES):
                source = await self._comparison.scan(self.source, self._settled, None)
                target = await self._comparison.scan(self.target, self._settled, None)
                differences = [
                    await self._comparison.compare_all(table, source[table.name], target[table.name])
                    for table in self._settled
                ]
                if not any(differences):
                    self._horizon = horizon
                    self._known = {name: scan.settled() for name, scan in target.items()}
                    return count
                count += await apply_differences(self.source, self.target, differences)
        raise MoveError("the rows in both databases do not become equal")

    async def catch_up(self) -> int:
        """Transfers what has changed since, as one snapshot sees it. Returns the number of rows."""
        async with self.source.snapshot():
            horizon = await self.source.horizon()
            count, _ = await self._transfer_recent(self._settled)
            self._horizon = horizon
            return count

    async def finish(self) -> tuple[str, Mapping[str, Digest]]:
        """Like `catch_up`, in a snapshot of the caller's, with rows in transit: nobody writes any more.

        Returns the horizon and digests by which later writes at the source are noticed.
        """
        assert self._horizon is not None
        _, scans = await self._transfer_recent([*self._settled, *self._in_transit])
        volatile = [table for table in self._settled if table.volatile]
        digests = {table.name: scans[table.name].total() for table in self._settled if not table.volatile}
        return self._horizon, digests | await stable_digests(self.source, volatile, self._horizon)

    async def _transfer_recent(self, tables: Sequence[CompanyTable]) -> tuple[int, Mapping[str, Scan]]:
        """Returns the number of rows that were transferred, and the digests of the source."""
        assert self._horizon is not None
        count = 0
        source = await self._scan(self.source, tables, self._horizon)
        unknown = [table for table in tables if table.name not in self._known]
        target = self._known | {
            name: scan.settled() for name, scan in (await self._scan(self.target, unknown, None)).items()
        }
        horizon = await self.target.horizon()
        for number in range(MAX_PASSES):
            differences = [
                await self._comparison.compare_recent(table, source[table.name], target[table.name])
                for table in tables
            ]
            if number > 0 and not any(differences):
                self._known |= {table.name: target[table.name].settled() for table in self._settled}
                return count, source
            count += await apply_differences(self.source, self.target, differences)
            target = await self._scan(self.target, tables, horizon)
        raise MoveError("the rows in both databases do not become equal")

    async def _scan(self, site: Site, tables: Sequence[CompanyTable], horizon: str | None) -> dict[str, Scan]:
        """Scans of tables. Those in transit have a statement of their own: the other is prepared already."""
        found: dict[str, Scan] = {}
        for is_in_transit in (False, True):
            if listed := [table for table in tables if table.in_transit is is_in_transit]:
                found |= await self._comparison.scan(site, listed, horizon)
        return found


async def apply_differences(source: Site, target: Site, differences: Sequence[Difference]) -> int:
    """Deletes and transfers rows. The differences are in the order of their tables. Returns their number."""
    for difference in reversed(differences):
        await delete_keys(target, difference.table, sorted(difference.extra))
    for difference in differences:
        for keys in batches(difference):
            condition = keys_condition(difference.table)
            await transfer_rows(source, target, difference.table, condition, source.company_id, keys)
    for difference in differences:
        for keys in batches(difference):
            condition = keys_condition(difference.table)
            await transfer_late_columns(source, target, difference.table, condition, source.company_id, keys)
    return sum(map(len, differences))


async def key_bounds(site: Site, table: CompanyTable) -> Sequence[Key]:
    """Keys that divide the rows of a table into batches."""
    rows = await site.fetch(
        f'SELECT key FROM (SELECT "{table.key}" AS key, row_number() OVER (ORDER BY "{table.key}") AS number '
        f"FROM {table.name} WHERE company_id = $1) AS t WHERE number % {BATCH} = 0 ORDER BY number",
        site.company_id,
    )
    return [row["key"] for row in rows]


def range_condition(table: CompanyTable, low: Key | None, high: Key | None) -> str:
    """The condition that a row's key is at least `low` and less than `high`, the elements of `$2`."""
    condition = f"{OF_COMPANY} AND cardinality($2::{table.key_type}[]) = 2"
    if low is not None:
        condition += f' AND "{table.key}" >= ($2::{table.key_type}[])[1]'
    if high is not None:
        condition += f' AND "{table.key}" < ($2::{table.key_type}[])[2]'
    return condition


def keys_condition(table: CompanyTable) -> str:
    """The condition that a row of the company has one of these keys."""
    return f'{OF_COMPANY} AND "{table.key}" = ANY($2::{table.key_type}[])'


def batches(difference: Difference) -> Iterator[Sequence[Key]]:
    """The keys of rows to transfer."""
    keys = sorted(difference.changed)
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


async def delete_rows(site: Site, tables: Sequence[CompanyTable]) -> int:
    """Deletes all rows of the company in these tables, children first. Returns their number."""
    count = 0
    for table in reversed(tables):
        some = f'SELECT "{table.key}" FROM {table.name} WHERE company_id = $1 LIMIT {BATCH}'
        statement = f'DELETE FROM {table.name} WHERE company_id = $1 AND "{table.key}" IN ({some})'
        while deleted := int((await site.execute(statement, site.company_id)).rpartition(" ")[2]):
            count += deleted
    return count
