"""COCO packages: images, categories for their labels, and captions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from pipelines.imagery.exporting.archives import Archive
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.packages import ArchivePackage, json_array
from pipelines.imagery.exporting.records import ExportTotals, ImageRecord
from pipelines.imagery.exporting.stream_buffer import StreamBuffer

Entry = dict[str, Any]
Entries = Callable[[], Iterator[Entry]]


class Coco(ArchivePackage):
    """Images, `annotations.json` with categories, and `captions.json`, as COCO has a file for each task.

    A label is an annotation of the whole image.
    """

    def __init__(
        self, open_archive: Callable[[StreamBuffer], Archive], *, class_names: Sequence[str]
    ) -> None:
        super().__init__(open_archive)
        self._categories = {name: number for number, name in enumerate(class_names, 1)}

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        entries = self._manifest.entries
        yield "annotations.json", instances(entries, dataset, self._categories)
        yield "captions.json", captions(entries, dataset)


class SplitCoco(Coco):
    """As `Coco`, with a folder for each split and `annotations/instances_train.json` and so on."""

    def add(self, record: ImageRecord) -> None:
        split = record.metadata["split"]
        self._archive.add(f"{split}/{record.filename}", record.content)
        self._manifest.add(record.metadata)

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        for split in totals.splits:
            entries = self._entries_of(split)
            yield f"annotations/instances_{split}.json", instances(entries, dataset, self._categories)
            yield f"annotations/captions_{split}.json", captions(entries, dataset)

    def _entries_of(self, split: str) -> Entries:
        return lambda: (entry for entry in self._manifest.entries() if entry["split"] == split)


def instances(entries: Entries, dataset: DatasetInfo, categories: Mapping[str, int]) -> Iterator[bytes]:
    """The document of labels."""
    labelled = (
        {
            "image_id": number,
            "category_id": categories[label],
            "bbox": [0, 0, entry["width"], entry["height"]],
            "area": entry["width"] * entry["height"],
            "segmentation": [],
            "iscrowd": 0,
        }
        for number, entry in enumerate(entries(), 1)
        for label in entry.get("labels", ())
    )
    listed = [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]
    yield from coco_document(entries, dataset, labelled, categories=listed)


def captions(entries: Entries, dataset: DatasetInfo) -> Iterator[bytes]:
    """The document of captions."""
    captioned = (
        {"image_id": number, "caption": entry["caption"]}
        for number, entry in enumerate(entries(), 1)
        if entry["caption"]
    )
    yield from coco_document(entries, dataset, captioned)


def coco_document(
    entries: Entries, dataset: DatasetInfo, annotations: Iterator[Entry], **more: Any
) -> Iterator[bytes]:
    """A document of a COCO dataset; iterates the entries twice, and the annotations."""
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
    head = orjson.dumps({"info": info, "licenses": licences, **more})
    yield head[:-1] + b',"images":'
    yield from json_array(orjson.dumps(coco_image(n, entry, numbers)) for n, entry in enumerate(entries(), 1))
    yield b',"annotations":'
    yield from json_array(orjson.dumps({"id": n, **each}) for n, each in enumerate(annotations, 1))
    yield b"}\n"


def coco_image(number: int, entry: Entry, licences: dict[str, int]) -> Entry:
    """An image in COCO format, with its other metadata."""
    return {
        **entry,
        "id": number,
        "license": licences[entry["licence"]],
        "coco_url": entry.get("original_url", ""),
        "date_captured": entry["found_at"],
    }
