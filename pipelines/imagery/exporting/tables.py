"""Packages without images: CSV tables, JSON documents and JSON lines."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson

from core.csv_formulas import escape_formula
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.packages import Package
from pipelines.imagery.exporting.records import ExportTotals, ImageRecord


class JsonDocument(Package):
    """One JSON document: the images, then the dataset's summary and card."""

    def __init__(self) -> None:
        super().__init__()
        self._separator = b'{"images":[\n'

    def add(self, record: ImageRecord) -> None:
        self._buffer.write(self._separator + orjson.dumps(dict(record.metadata)))
        self._separator = b",\n"

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        whole = {**dataset.summary(totals), "readme": dataset.render_card(totals)}
        head = self._separator if self._separator.startswith(b"{") else b"\n"
        self._buffer.write(head + b'],"dataset":' + orjson.dumps(whole) + b"}\n")
        yield


class CsvTable(Package):
    """One line per image, and a header. Formulas are escaped with an apostrophe."""

    def __init__(self, delimiter: str = ",") -> None:
        super().__init__()
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text, delimiter=delimiter)
        self._has_header = False

    def add(self, record: ImageRecord) -> None:
        if not self._has_header:
            self._csv.writerow(record.metadata)
            self._has_header = True
        self._csv.writerow([cell(value) for value in record.metadata.values()])
        self._buffer.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        yield


class JsonLines(Package):
    """One JSON object per line and image."""

    def add(self, record: ImageRecord) -> None:
        self._buffer.write(orjson.dumps(dict(record.metadata)) + b"\n")

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        yield


def cell(value: Any) -> Any:
    """The value of a cell: lists as JSON, formulas escaped with an apostrophe."""
    return escape_formula(orjson.dumps(value).decode() if isinstance(value, list) else value)
