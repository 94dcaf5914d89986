"""Packages of one file, in each format: how an image is written, and what follows the last one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import orjson

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
        self,
        open_archive: Callable[[StreamBuffer], Archive],
        *,
        with_manifest: bool = True,
        with_card: bool = True,
    ) -> None:
        super().__init__()
        self._archive = open_archive(self._buffer)
        self._with_manifest, self._with_card = with_manifest, with_card
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
        if self._with_card:
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


def json_array(lines: Iterator[bytes]) -> Iterator[bytes]:
    """JSON lines as one JSON array."""
    separator = b"[\n"
    for line in lines:
        yield separator + line.rstrip(b"\n")
        separator = b",\n"
    yield b"\n]\n" if separator.startswith(b",") else b"[]\n"
