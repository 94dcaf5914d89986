"""Export formats: their options, file names and package writers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from db.models import DatasetSplit, ExportFormat
from pipelines.imagery.exporting.archives import Archive, TarArchive, ZipArchive
from pipelines.imagery.exporting.class_folders import ClassFolders, YoloFolders
from pipelines.imagery.exporting.coco import Coco, SplitCoco
from pipelines.imagery.exporting.packages import ArchivePackage, ImageFolder, Package
from pipelines.imagery.exporting.resizing import Resize
from pipelines.imagery.exporting.shards import ParquetShard, WebDatasetShard
from pipelines.imagery.exporting.stream_buffer import StreamBuffer
from pipelines.imagery.exporting.tables import CsvTable, JsonDocument, JsonLines
from resolvers.imagery.exports import SHARDED, TABLES

DEFAULT_SPLIT = "train"
"""Split of a crawl's images, in formats that have splits."""
FILE_SUFFIXES = {
    ExportFormat.IMAGEFOLDER: "zip",
    ExportFormat.COCO: "zip",
    ExportFormat.CLASS_FOLDERS: "zip",
    ExportFormat.YOLO: "zip",
    ExportFormat.WEBDATASET: "tar",
}


@dataclass(frozen=True)
class ExportPlan:
    """How a dataset is exported. `created_at` dates archive members; `extension` is for WebDataset.

    `class_names` are the labels of the images, of which each has exactly one if `is_single_label`.
    `is_split` is true for data set versions.
    """

    format: ExportFormat
    options: Mapping[str, Any]
    created_at: datetime
    extension: str
    is_split: bool = False
    class_names: tuple[str, ...] = ()
    is_single_label: bool = False

    def open_package(self) -> Package:
        """Create the package, or its next file."""
        return PACKAGE_FACTORIES[self.format](self)

    @property
    def includes_images(self) -> bool:
        """Whether the format contains the images, not only their metadata."""
        return self.format not in TABLES

    @property
    def has_files_by_split(self) -> bool:
        """Whether each split has files of its own."""
        return self.format in SHARDED or (self.is_split and self.format is ExportFormat.IMAGEFOLDER)

    @property
    def has_separate_card(self) -> bool:
        """Whether the dataset card is a separate file, as the format cannot contain it."""
        return self.has_files_by_split or self.format in (ExportFormat.CSV, ExportFormat.JSONL)

    def filename(self, split: DatasetSplit | None, number: int) -> str:
        """Name of a file of the package."""
        suffix = FILE_SUFFIXES.get(self.format, self.format.value)
        if not self.has_files_by_split:
            return f"images.{suffix}"
        return f"{self.stem(split)}{f'{number:05d}' if self.format in SHARDED else ''}.{suffix}".replace(
            "-.", "."
        )

    def stem(self, split: DatasetSplit | None) -> str:
        """What the names of a split's files start with."""
        return f"{DEFAULT_SPLIT if split is None else split.value}-"

    @property
    def resize(self) -> Resize | None:
        """How images are resized, if they are."""
        stored = self.options.get("resize")
        return Resize.from_json(stored) if stored and self.includes_images else None

    @property
    def card_note(self) -> str:
        """Note on the format for the dataset card."""
        if self.format is ExportFormat.WEBDATASET:
            extension = self.extension
            return f"All images have the extension `.{extension}`; `format` is the actual format of each."
        if self.format is ExportFormat.COCO and self.class_names:
            return "Labels are of whole images: the box of each annotation is the whole image."
        return ""

    @property
    def includes_urls(self) -> bool:
        """Whether the source URLs of images are included."""
        return self.options.get("include_urls") is not False

    @property
    def includes_metadata(self) -> bool:
        """Whether metadata files are included."""
        return self.options.get("include_metadata") is not False

    def open_zip(self, buffer: StreamBuffer) -> Archive:
        """Create a ZIP file."""
        return ZipArchive(buffer, self.created_at, compress=bool(self.options.get("compress")))

    def open_tar(self, buffer: StreamBuffer) -> Archive:
        """Create a TAR file."""
        compress = self.format is ExportFormat.TAR_GZ
        return TarArchive(buffer, self.created_at, compress=compress)


def archive(plan: ExportPlan, kind: type[ArchivePackage]) -> Package:
    """Create a package in an archive."""
    is_tar = plan.format in (ExportFormat.TAR, ExportFormat.TAR_GZ)
    return kind(
        plan.open_tar if is_tar else plan.open_zip,
        with_manifest=plan.includes_metadata,
        with_card=not plan.has_separate_card,
    )


def class_folders(plan: ExportPlan, kind: type[ClassFolders]) -> Package:
    """Create a package of class folders."""
    takes_first = plan.options.get("multi_label") == "first"
    return kind(plan.open_zip, class_names=plan.class_names, takes_first=takes_first)


def coco(plan: ExportPlan) -> Package:
    """Create a COCO package; one of a version has a folder for each split."""
    return (SplitCoco if plan.is_split else Coco)(plan.open_zip, class_names=plan.class_names)


PACKAGE_FACTORIES: dict[ExportFormat, Callable[[ExportPlan], Package]] = {
    **dict.fromkeys(
        (ExportFormat.ZIP, ExportFormat.TAR, ExportFormat.TAR_GZ), partial(archive, kind=ArchivePackage)
    ),
    ExportFormat.CSV: lambda plan: CsvTable(plan.options.get("delimiter") or ","),
    ExportFormat.JSON: lambda plan: JsonDocument(),
    ExportFormat.JSONL: lambda plan: JsonLines(),
    ExportFormat.IMAGEFOLDER: partial(archive, kind=ImageFolder),
    ExportFormat.CLASS_FOLDERS: partial(class_folders, kind=ClassFolders),
    ExportFormat.YOLO: partial(class_folders, kind=YoloFolders),
    ExportFormat.COCO: coco,
    ExportFormat.WEBDATASET: lambda plan: WebDatasetShard(
        plan.created_at, plan.extension, plan.class_names if plan.is_single_label else ()
    ),
    ExportFormat.PARQUET: lambda plan: ParquetShard(
        urls=plan.includes_urls,
        is_split=plan.is_split,
        is_resized=plan.resize is not None,
        class_names=plan.class_names if plan.is_single_label else (),
    ),
}
