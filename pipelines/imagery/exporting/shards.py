"""Shards: packages of several files that can each be loaded alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.imagery.exporting.archives import TarArchive
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.packages import Package
from pipelines.imagery.exporting.records import (
    BOOLEAN_FIELDS,
    NUMBER_FIELDS,
    TEXT_FIELDS,
    URL_FIELDS,
    ExportTotals,
    ImageRecord,
)

ROW_GROUP_SIZE, ROW_GROUP_BYTES = 100, 16 * 1024 * 1024
"""Maximum rows and bytes of a row group, which is written from memory and read as a whole."""


class WebDatasetShard(Package):
    """A TAR file of samples: an image and a JSON document with the same key.

    Every sample must have the same parts, so all images get the same `extension`; loaders detect the format.
    """

    def __init__(self, created_at: datetime, extension: str) -> None:
        super().__init__()
        self._extension = extension
        self._archive = TarArchive(self._buffer, created_at)

    def add(self, record: ImageRecord) -> None:
        self._archive.add(f"{record.index:06d}.{self._extension}", record.content)
        self._archive.add(f"{record.index:06d}.json", orjson.dumps(dict(record.metadata)))

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        self._archive.close()
        yield


class ParquetShard(Package):
    """A Parquet file with the column `image` of Hugging Face's `datasets`: bytes and a path."""

    def __init__(self, *, urls: bool) -> None:
        super().__init__()
        self._schema = parquet_schema(urls=urls)
        self._writer = pq.ParquetWriter(
            self._buffer, self._schema, compression=column_compression(self._schema)
        )
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, record: ImageRecord) -> None:
        image = {"bytes": record.content, "path": record.filename}
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
    """The columns, with the features of `datasets` in the schema's metadata."""
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
    return pa.schema(
        columns.items(), metadata={"huggingface": orjson.dumps({"info": {"features": features}})}
    )


def column_compression(columns: pa.Schema) -> dict[str, str]:
    """Compression of each column; images are compressed already."""
    plain = {"image.bytes": "NONE", "image.path": "ZSTD"}
    return {**plain, **{name: "ZSTD" for name in columns.names if name != "image"}}
