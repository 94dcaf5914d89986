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
    With `class_names`, a part `cls` is the number of the image's only label.
    """

    def __init__(self, created_at: datetime, extension: str, class_names: Sequence[str]) -> None:
        super().__init__()
        self._extension = extension
        self._numbers = {name: number for number, name in enumerate(class_names)}
        self._archive = TarArchive(self._buffer, created_at)

    def add(self, record: ImageRecord) -> None:
        key = f"{record.index:06d}"
        self._archive.add(f"{key}.{self._extension}", record.content)
        if self._numbers:
            self._archive.add(f"{key}.cls", str(self._numbers[record.metadata["label"]]).encode())
        self._archive.add(f"{key}.json", orjson.dumps(dict(record.metadata)))

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        self._archive.close()
        yield


class ParquetShard(Package):
    """A Parquet file with the column `image` of Hugging Face's `datasets`: bytes and a path."""

    def __init__(self, *, urls: bool, is_split: bool, is_resized: bool, class_names: Sequence[str]) -> None:
        super().__init__()
        self._numbers = {name: number for number, name in enumerate(class_names)}
        self._schema = parquet_schema(
            urls=urls, is_split=is_split, is_resized=is_resized, class_names=class_names
        )
        self._writer = pq.ParquetWriter(
            self._buffer, self._schema, compression=column_compression(self._schema)
        )
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, record: ImageRecord) -> None:
        image = {"bytes": record.content, "path": record.filename}
        label = {"label": self._numbers[record.metadata["label"]]} if self._numbers else {}
        self._rows.append({"image": image, **record.metadata, **label})
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


def parquet_schema(*, urls: bool, is_split: bool, is_resized: bool, class_names: Sequence[str]) -> pa.Schema:
    """The columns, with the features of `datasets` in the schema's metadata.

    With `class_names`, `label` is the number of the image's only label.
    """
    omitted = {
        *(() if urls else URL_FIELDS),
        *(() if is_split else ("split", "group")),
        *(() if is_resized else ("original_sha256",)),
    }
    image = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    kinds: dict[str, pa.DataType] = {
        **dict.fromkeys(TEXT_FIELDS, pa.string()),
        **dict.fromkeys(NUMBER_FIELDS, pa.int64()),
        **dict.fromkeys(BOOLEAN_FIELDS, pa.bool_()),
    }
    values = {name: kind for name, kind in kinds.items() if name not in omitted}
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        **{name: {"dtype": str(kind), "_type": "Value"} for name, kind in values.items()},
    }
    columns: dict[str, pa.DataType] = {"image": image, **values}
    if class_names:
        columns["label"] = pa.int64()
        features["label"] = {"names": list(class_names), "_type": "ClassLabel"}
    if is_split:
        columns["labels"] = pa.list_(pa.string())
        features["labels"] = {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}
    return pa.schema(
        columns.items(), metadata={"huggingface": orjson.dumps({"info": {"features": features}})}
    )


def column_compression(columns: pa.Schema) -> dict[str, str]:
    """Compression of each column; images are compressed already."""
    nested = {"image.bytes": "NONE", "image.path": "ZSTD", "labels.list.element": "ZSTD"}
    plain = {name: "ZSTD" for name in columns.names if name not in ("image", "labels")}
    return {**nested, **plain} if "labels" in columns.names else {**plain, **dict(list(nested.items())[:2])}
