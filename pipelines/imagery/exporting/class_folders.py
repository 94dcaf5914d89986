"""Packages of class folders: `train/cat/000001.jpg`, as torchvision, Keras and YOLO read them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from pipelines.imagery.exporting.archives import Archive
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.packages import ArchivePackage
from pipelines.imagery.exporting.records import ExportTotals, ImageRecord
from pipelines.imagery.exporting.stream_buffer import StreamBuffer

UNLABELLED = "unlabelled"
"""Folder of images without a label, if they are not left out."""
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%]|^\.|[. ]$')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
"""Names that Windows does not allow."""


class ClassFolders(ArchivePackage):
    """A folder for each label, below one for each split, `images.jsonl`, and `classes.json` for the folders.

    An image with several labels is in the folder of each, or of the first only.
    """

    split_folders: Mapping[str, str] = {}

    def __init__(
        self,
        open_archive: Callable[[StreamBuffer], Archive],
        *,
        class_names: Sequence[str],
        takes_first: bool,
    ) -> None:
        super().__init__(open_archive)
        self._folders = class_folder_names(class_names)
        self._takes_first = takes_first

    def add(self, record: ImageRecord) -> None:
        labels = record.metadata["labels"][: 1 if self._takes_first else None]
        for folder in [self._folders[label] for label in labels] or [UNLABELLED]:
            split = str(record.metadata.get("split", ""))
            path = "/".join(filter(None, (self.split_folders.get(split, split), folder, record.filename)))
            self._archive.add(path, record.content)
            self._manifest.add({**record.metadata, "file_name": path})

    def metadata_files(
        self, dataset: DatasetInfo, totals: ExportTotals
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        yield "images.jsonl", self._manifest.lines()
        folders = {folder: label for label, folder in self._folders.items()}
        yield "classes.json", iter([orjson.dumps(folders, option=orjson.OPT_INDENT_2)])


class YoloFolders(ClassFolders):
    """Class folders as YOLO classification reads them: the validation split is `val`."""

    split_folders: Mapping[str, str] = {"validation": "val"}


def class_folder_names(labels: Sequence[str]) -> dict[str, str]:
    """Folder of each label: the label itself if every file system allows it, else with `%` escapes.

    Labels that differ in case only get a number, as some file systems do not tell them apart.
    """
    folders: dict[str, str] = {}
    taken: set[str] = {UNLABELLED}
    for label in labels:
        escaped = UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", label)
        if RESERVED.fullmatch(escaped.partition(".")[0]):
            escaped = f"%{ord(escaped[0]):02X}{escaped[1:]}"
        name, number = escaped, 1
        while name.casefold() in taken:
            number += 1
            name = f"{escaped}%{number}"
        taken.add(name.casefold())
        folders[label] = name
    return folders
