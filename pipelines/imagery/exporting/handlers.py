"""Dataset exports: writing the package to the object store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from core import tar_layout
from core.errors import Conflict
from core.tar_layout import Member
from db.models import DatasetSplit, ExportJob
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.descriptions import SplitCounts, describe_export
from pipelines.imagery.exporting.formats import ExportPlan
from pipelines.imagery.exporting.packages import CARD_FILENAME
from pipelines.imagery.exporting.prefetch import PrefetchReader, ReaderPosition
from pipelines.imagery.exporting.records import ExportTotals
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import exports
from resolvers.imagery.exports import DEFAULT_SHARD_SIZE, INDEX_FILENAME, SHARDED, PackedFile, PackImages

NO_LIMIT = 1_000_000_000
PROGRESS_INTERVAL_SECONDS = 0.5
"""Minimum time between two writes of an export's progress."""


@handles(PackImages)
async def pack_images(job: PackImages, run: Run) -> CompletionHook:
    """Write an export's package. Idempotent: finished files of splits are kept, others are written again."""
    async with run.write() as uow:
        export, counts = await exports.start(uow, job.export_job_id)
    async with run.read() as uow:
        plan, dataset = await describe_export(uow, export, counts)
    return await DatasetExporter(run, export, counts, plan, dataset).run()


class DatasetExporter:
    """An attempt to run an export."""

    def __init__(
        self, run: Run, export: ExportJob, counts: SplitCounts, plan: ExportPlan, dataset: DatasetInfo
    ) -> None:
        self._run, self._export, self._counts = run, export, counts
        self._plan, self._dataset = plan, dataset
        self._reader = PrefetchReader(run, export, plan)
        self._totals = ExportTotals()
        self._files: list[PackedFile] = []
        self._reported_at = 0.0

    async def run(self) -> CompletionHook:
        """Write all files of the package; returns the hook that completes the export."""
        if self._plan.has_files_by_split:
            await self._write_files_of_splits()
        else:
            await self._write(self._plan.filename(None, 0), list(self._counts), NO_LIMIT)
        if not self._totals.packed:
            raise Conflict("The export has no images: their files no longer exist.")
        data = self._files[:]
        if self._plan.has_separate_card:
            card = self._dataset.render_card(self._totals).encode()
            stored = await self._run.put(self._key(CARD_FILENAME), card)
            self._files.append(PackedFile(stored.key, stored.size, 0))
        if len(data) == 1 and not (self._plan.is_split and self._plan.has_files_by_split):
            key, size = data[0].key, data[0].size
        else:
            key, size = await self._write_index()
        expires_at = datetime.now(UTC) + timedelta(seconds=self._run.services.settings.export_ttl)

        async def finish(uow: UnitOfWork) -> None:
            packed = self._totals.packed
            await exports.complete(
                uow, self._export.id, self._files, key, size=size, packed=packed, expires_at=expires_at
            )

        return finish

    async def _write_index(self) -> tuple[str, int]:
        """Store the list of files, which are downloaded as one; returns its key and their size together."""
        date = int(self._plan.created_at.timestamp())
        listed = [{**asdict(file), "changed_at": date} for file in self._files]
        stored = await self._run.put(self._key(INDEX_FILENAME), orjson.dumps(listed))
        return stored.key, tar_layout.length([Member(file.key, file.size, date) for file in self._files])

    async def _write_files_of_splits(self) -> None:
        """Write the files of each split, after those that an earlier attempt has finished."""
        self._resume()
        position, ended = self._reader.position, position_before(self._reader.position.split, self._counts)
        limit = self._plan.options.get("shard_size") or DEFAULT_SHARD_SIZE
        if self._plan.format not in SHARDED:
            limit = NO_LIMIT
        for split, total in self._counts.items():
            if split in ended:
                continue
            self._reader.enter(split)
            written = sum(file.name.startswith(self._plan.stem(split)) for file in self._files)
            while position.seen < total:
                file = await self._write(self._plan.filename(split, written), [split], limit)
                if file.images == 0:  # the files of the remaining images no longer exist
                    await self._run.services.store.delete([file.key])
                    self._files.pop()
                    break
                written += 1
                await self._run.save(
                    {
                        "files": [asdict(file) for file in self._files],
                        "position": asdict(position),
                        "tally": self._totals.to_json(),
                    }
                )

    def _resume(self) -> None:
        saved = self._run.checkpoint
        if saved is None or "position" not in saved:
            return
        self._files = [PackedFile(**file) for file in saved["files"]]
        self._totals = ExportTotals.from_json(saved["tally"])
        self._reader.position = ReaderPosition(**saved["position"])

    async def _write(self, name: str, splits: Sequence[DatasetSplit | None], limit: int) -> PackedFile:
        """Stream the next images of the splits into a file of the package, at most `limit`."""
        before = self._reader.position.index
        stored = await self._run.put(self._key(name), self._stream(splits, limit))
        file = PackedFile(stored.key, stored.size, self._reader.position.index - before)
        self._files.append(file)
        return file

    async def _stream(self, splits: Sequence[DatasetSplit | None], limit: int) -> AsyncIterator[bytes]:
        """The bytes of a file, as a stream. Compresses in a thread."""
        package, totals = self._plan.open_package(), self._totals
        try:
            for split in splits:
                self._reader.enter(split)
                async with aclosing(self._reader.records(split, limit)) as records:
                    async for record in records:
                        await asyncio.to_thread(package.add, record)
                        totals.add(record)
                        if chunk := package.drain():
                            yield chunk
                        await self._report_progress()
            totals.missing, totals.unreadable = (
                self._reader.position.missing,
                self._reader.position.unreadable,
            )
            steps = package.finish(self._dataset, totals)
            while await asyncio.to_thread(advance, steps):
                if chunk := package.drain():
                    yield chunk
        finally:
            package.close()

    async def _report_progress(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._reported_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._reported_at = now
        async with self._run.write() as uow:
            await exports.update_progress(uow, self._export.id, self._totals.packed)
        await self._run.report(self._totals.packed / self._export.total_images)

    def _key(self, name: str) -> str:
        return exports.attempt_prefix(self._export, self._run.epoch) + name


def advance(steps: Any) -> bool:
    """Run the next step; returns False if there is none left."""
    return next(steps, steps) is not steps


def position_before(split: str | None, counts: SplitCounts) -> list[DatasetSplit | None]:
    """The splits that an earlier attempt has finished before it began with `split`."""
    names = [None if each is None else each.value for each in counts]
    return list(counts)[: names.index(split)] if split in names else []
