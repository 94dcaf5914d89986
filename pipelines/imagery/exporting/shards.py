"""Packages of several files, each of which loads alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.imagery.exporting.archives import TarArchive
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.packages import Package
from pipelines.imagery.exporting.records import BOOLEAN_FIELDS, NUMBER_FIELDS, TEXT_FIELDS, URL_FIELDS, ImageRecord, ExportTotals

ROW_GROUP_SIZE, ROW_GROUP_BYTES = 100, 16 * 1024 * 1024
"""Of a row group: what a reader must read to see one image, and what is in memory at a time."""


class WebDatasetShard(Package):
    """A TAR file of samples: a picture and a JSON document under one key.

    Every sample must have the same parts: where formats are mixed, all pictures get the same `extension`, and
    readers go by the content.
    """

    def __init__(self, created_at: datetime, extension: str) -> None:
        super().__init__()
        self._extension = extension
        self._archive = TarArchive(self._buffer, created_at)

    def add(self, record: ImageRecord) -> None:
        self._archive.add(f"{item.index:06d}.{self._extension}", record.content)
        self._archive.add(f"{item.index:06d}.json", orjson.dumps(dict(record.metadata)))

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        self._archive.close()
        yield


class ParquetShard(Package):
    """A Parquet file with the column `image` as Hugging Face's `datasets` keeps it: bytes and a path."""

    def __init__(self, *, urls: bool) -> None:
        super().__init__()
        self._schema = parquet_schema(urls=urls)
        self._writer = pq.ParquetWriter(self._buffer, self._schema, column_compression=column_compression(self._schema))
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, record: ImageRecord) -> None:
        image = {"bytes": record.content, "path": record.name}
        self._rows.append({"image": image, **record.metadata})
        self._bytes += len(record.content)
        if len(self._rows) == ROW_GROUP_SIZE or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        self._flush()
        yield
        self._writer.close()
        yield

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
            self._rows, self._bytes = [], 0


def parquet_schema(*, urls: bool) -> pa.Schema:
    """The columns, and in the schema's metadata the features that `datasets` reads from there."""
    texts: Sequence[str] = [name for name in TEXT_FIELDS if urls or name not in URL_FIELDS]
    image = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    columns = {
        "image": image,
        **dict.fromkeys(texts, pa.string()),
        **dict.fromkeys(NUMBER_FIELDS, pa.int64()),
        **dict.fromkeys(BOOLEAN_FIELDS, pa.bool_()),
    }
    features = {
        "image": {"_type": "Image"},
        **{name: {"dtype": str(kind), "_type": "Value"} for name, kind in columns.items() if name != "image"},
    }
    features = {name: features[name] for name in columns}
    return pa.parquet_schema(
        columns.items(), metadata={"huggingface": orjson.dumps({"info": {"features": features}})}
    )


def column_compression(columns: pa.Schema) -> dict[str, str]:
    """Texts are compressed, pictures are so already."""
    plain = {"image.bytes": "NONE", "image.path": "ZSTD"}
    return {**plain, **{name: "ZSTD" for name in columns.names if name != "image"}}
