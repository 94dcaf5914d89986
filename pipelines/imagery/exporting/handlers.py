"""Dataset exports: writing the package to the object store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from core.errors import Conflict
from db.models import ExportJob
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.formats import ExportPlan
from pipelines.imagery.exporting.packages import CARD_FILENAME
from pipelines.imagery.exporting.prefetch import PrefetchReader
from pipelines.imagery.exporting.records import ExportTotals, extension
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import exports
from resolvers.imagery.exports import DEFAULT_SHARD_SIZE, INDEX_FILENAME, SHARDED, PackedFile, PackImages

NO_LIMIT = 1_000_000_000
PROGRESS_INTERVAL_SECONDS = 0.5
"""Minimum time between two writes of an export's progress."""


@handles(PackImages)
async def pack_images(job: PackImages, run: Run) -> CompletionHook:
    """Write an export's package. Idempotent: finished shards are kept, other files are written again."""
    async with run.write() as uow:
        export = await exports.start(uow, job.export_job_id)
        crawl = await exports.find_crawl(uow, export)
        rules = await exports.latest_rules(uow, crawl.id)
        formats = await exports.image_formats(uow, export)
    plan = ExportPlan(export.format, export.export_options, export.created_at, common_extension(formats))
    dataset = DatasetInfo(
        name=export.name,
        crawl=crawl.name,
        keywords=crawl.keywords,
        format=export.format.value,
        filename=f"{plan.stem}.{plan.suffix}",
        created_at=export.created_at,
        rules=rules,
    )
    return await DatasetExporter(run, export, plan, dataset).run()


class DatasetExporter:
    """An attempt to run an export."""

    def __init__(self, run: Run, export: ExportJob, plan: ExportPlan, dataset: DatasetInfo) -> None:
        self._run, self._export, self._plan, self._dataset = run, export, plan, dataset
        self._reader = PrefetchReader(run, export, with_content=plan.includes_images, urls=plan.includes_urls)
        self._totals = ExportTotals()
        self._files: list[PackedFile] = []
        self._reported_at = 0.0

    async def run(self) -> CompletionHook:
        """Write all files of the package; returns the hook that completes the export."""
        sharded = self._plan.format in SHARDED
        if sharded:
            await self._write_shards()
        else:
            await self._write(f"{self._plan.stem}.{self._plan.suffix}", NO_LIMIT)
        if not self._totals.packed:
            raise Conflict("The export has no images: their files no longer exist.")
        data = self._files[:]
        if self._plan.has_separate_card:
            card = self._dataset.render_card(self._totals, note=self._plan.card_note).encode()
            await self._write_bytes(CARD_FILENAME, card)
        if len(data) == 1:
            key = data[0].key
        else:
            file_list = orjson.dumps([asdict(file) for file in self._files])
            key = (await self._run.put(self._key(INDEX_FILENAME), file_list)).key
        expires_at = datetime.now(UTC) + timedelta(seconds=self._run.services.settings.export_ttl)

        async def finish(uow: UnitOfWork) -> None:
            packed = self._totals.packed
            await exports.complete(
                uow, self._export.id, self._files, key, packed=packed, expires_at=expires_at
            )

        return finish

    async def _write_shards(self) -> None:
        self._resume()
        size = self._plan.options.get("shard_size") or DEFAULT_SHARD_SIZE
        while self._reader.index < self._export.total_images:
            before = self._reader.index
            file = await self._write(f"{self._plan.stem}-{len(self._files):05d}.{self._plan.suffix}", size)
            if self._reader.index == before:  # the files of the remaining images no longer exist
                await self._run.services.store.delete([file.key])
                self._files.pop()
                return
            await self._run.save(
                {
                    "files": [asdict(file) for file in self._files],
                    "after": str(self._reader.after),
                    "tally": self._totals.to_json(),
                }
            )

    def _resume(self) -> None:
        saved = self._run.checkpoint
        if saved is None:
            return
        self._files = [PackedFile(**file) for file in saved["files"]]
        self._totals = ExportTotals.from_json(saved["tally"])
        self._reader.after = UUID(saved["after"])
        self._reader.index, self._reader.missing = self._totals.packed, self._totals.missing

    async def _write(self, name: str, limit: int) -> PackedFile:
        """Stream the next images into a file of the package, at most `limit`."""
        before = self._reader.index
        stored = await self._run.put(self._key(name), self._stream(limit))
        file = PackedFile(stored.key, stored.size, self._reader.index - before)
        self._files.append(file)
        return file

    async def _write_bytes(self, name: str, content: bytes) -> None:
        stored = await self._run.put(self._key(name), content)
        self._files.append(PackedFile(stored.key, stored.size, 0))

    async def _stream(self, limit: int) -> AsyncIterator[bytes]:
        """The bytes of a file, as a stream. Compresses in a thread."""
        package, totals = self._plan.open_package(), self._totals
        try:
            async with aclosing(self._reader.records(limit)) as records:
                async for record in records:
                    await asyncio.to_thread(package.add, record)
                    totals.add(record)
                    if chunk := package.drain():
                        yield chunk
                    await self._report_progress()
            totals.missing = self._reader.missing
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


def common_extension(formats: set[str]) -> str:
    """Common extension of all images: that of their format if all are JPEG or all are PNG, else `jpg`."""
    extensions = {extension(format) for format in formats}
    return extensions.pop() if extensions in ({"jpg"}, {"png"}) else "jpg"
