"""Packages of one file, in each format: how an image is written, and what follows the last one."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from core.csv_formulas import escape_formula
from pipelines.imagery.exporting.archives import Archive
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.manifest import Manifest
from pipelines.imagery.exporting.records import ExportTotals, ImageRecord
from pipelines.imagery.exporting.stream_buffer import StreamBuffer

CARD_FILENAME = "README.md"


class Package(ABC):
    """A file written image by image. After each call, `drain` returns the bytes written so far."""

    def __init__(self) -> None:
        self._buffer = StreamBuffer()

    def drain(self) -> bytes:
        """The bytes written since the last call."""
        return self._buffer.drain()

    @abstractmethod
    def add(self, record: ImageRecord) -> None:
        """Write the next image."""

    @abstractmethod
    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        """Write what follows the last image, in steps; call `drain` after each."""

    def close(self) -> None:  # noqa: B027 - most packages hold no resources
        """Release resources; required even after an error."""


class ArchivePackage(Package):
    """An archive of images, their metadata, and the dataset card."""

    folder = "images/"

    def __init__(
        self, open_archive: Callable[[StreamBuffer], Archive], *, with_manifest: bool = True
    ) -> None:
        super().__init__()
        self._archive, self._with_manifest = open_archive(self._buffer), with_manifest
        self._manifest = Manifest()

    def add(self, record: ImageRecord) -> None:
        self._archive.add(self.folder + record.filename, record.content)
        if self._with_manifest:
            self._manifest.add({**record.metadata, "file_name": self.folder + record.filename})

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        if self._with_manifest:
            for name, parts in self.metadata_files(dataset, totals):
                self._archive.add(name, b"".join(parts), text=True)
                yield
        self._archive.add(CARD_FILENAME, dataset.render_card(totals).encode(), text=True)
        self._archive.close()
        yield

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Names and contents of the metadata files."""
        yield "images.json", json_array(self._manifest.lines())
        yield "metadata.json", iter([orjson.dumps(dataset.summary(totals), option=orjson.OPT_INDENT_2)])

    def close(self) -> None:
        self._manifest.close()


class ImageFolder(ArchivePackage):
    """Images and `metadata.jsonl`, for the loader `imagefolder` of Hugging Face's `datasets`."""

    folder = ""

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        yield "metadata.jsonl", self._manifest.lines()


class Coco(ArchivePackage):
    """Images and `annotations.json` in COCO format, with captions but without bounding boxes."""

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        yield "annotations.json", coco_document(self._manifest.entries, dataset)


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
        self._csv.writerow([escape_formula(value) for value in record.metadata.values()])
        self._buffer.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def finish(self, dataset: DatasetInfo, totals: ExportTotals) -> Iterator[None]:
        yield


def json_array(lines: Iterator[bytes]) -> Iterator[bytes]:
    """JSON lines as one JSON array."""
    separator = b"[\n"
    for line in lines:
        yield separator + line.rstrip(b"\n")
        separator = b",\n"
    yield b"\n]\n" if separator.startswith(b",") else b"[]\n"


def coco_document(entries: Callable[[], Iterator[dict[str, Any]]], dataset: DatasetInfo) -> Iterator[bytes]:
    """The document of a COCO dataset; iterates the entries three times."""
    names = dict.fromkeys(entry["licence"] for entry in entries())
    numbers = {name: number for number, name in enumerate(names, 1)}
    licences = [{"id": n, "name": name or "unknown", "url": ""} for name, n in numbers.items()]
    info = {
        "description": dataset.name,
        "contributor": "",
        "version": "1.0",
        "url": "",
        "year": dataset.created_at.year,
        "date_created": dataset.created_at.isoformat(),
    }
    head = orjson.dumps({"info": info, "licenses": licences})
    yield head[:-1] + b',"images":'
    yield from json_array(orjson.dumps(coco_image(n, entry, numbers)) for n, entry in enumerate(entries(), 1))
    yield b',"annotations":'
    captions = ((n, entry["caption"]) for n, entry in enumerate(entries(), 1) if entry["caption"])
    yield from json_array(
        orjson.dumps({"id": number, "image_id": image, "caption": caption})
        for number, (image, caption) in enumerate(captions, 1)
    )
    yield b"}\n"


def coco_image(number: int, entry: dict[str, Any], licences: dict[str, int]) -> dict[str, Any]:
    """An image in COCO format, with its other metadata."""
    return {
        **entry,
        "id": number,
        "license": licences[entry["licence"]],
        "coco_url": entry.get("original_url", ""),
        "date_captured": entry["found_at"],
    }
