"""Every format by its name: what it needs to know, and how its packages are opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from db.models import ExportFormat
from pipelines.imagery.exporting.archives import TarArchive, ZipArchive
from pipelines.imagery.exporting.packages import (
    ArchivePackage,
    Coco,
    CsvTable,
    ImageFolder,
    JsonDocument,
    Package,
)
from pipelines.imagery.exporting.shards import ParquetShard, WebDatasetShard

FILE_STEMS = {ExportFormat.PARQUET: "train", ExportFormat.WEBDATASET: "train"}
FILE_SUFFIXES = {
    ExportFormat.IMAGEFOLDER: "zip",
    ExportFormat.COCO: "zip",
    ExportFormat.WEBDATASET: "tar",
}


@dataclass(frozen=True)
class ExportPlan:
    """How a data set is packed. `made_at` dates its members; `extension` is that of WebDataset's pictures."""

    format: ExportFormat
    options: Mapping[str, Any]
    created_at: datetime
    extension: str

    def open_package(self) -> Package:
        """A new package, or the next shard."""
        return PACKAGE_FACTORIES[self.format](self)

    @property
    def includes_images(self) -> bool:
        """Whether the images themselves are packed, not only what is known of them."""
        return self.format not in (ExportFormat.CSV, ExportFormat.JSON)

    @property
    def has_separate_card(self) -> bool:
        """Whether the data card is a file of its own, because the format has no place for it."""
        return self.format in (ExportFormat.CSV, ExportFormat.WEBDATASET, ExportFormat.PARQUET)

    @property
    def stem(self) -> str:
        """What its files are called."""
        return FILE_STEMS.get(self.format, "images")

    @property
    def suffix(self) -> str:
        """The extension of its files."""
        return FILE_SUFFIXES.get(self.format, self.format.value)

    @property
    def card_note(self) -> str:
        """What a reader of the format ought to know."""
        if self.format is not ExportFormat.WEBDATASET:
            return ""
        return f"Pictures are called `.{self.extension}` in the archives; `format` says what each one is."

    @property
    def includes_urls(self) -> bool:
        """Whether the addresses that images came from are told."""
        return self.options.get("include_urls") is not False


def zip_package(plan: ExportPlan, kind: type[ArchivePackage]) -> Package:
    """A ZIP file of this kind."""
    compress = bool(plan.options.get("compress"))
    with_manifest = plan.options.get("include_metadata") is not False
    return kind(partial(ZipArchive, created_at=plan.created_at, compress=compress), with_manifest=with_manifest)


def tar_package(plan: ExportPlan, compress: bool) -> Package:
    """A TAR file."""
    with_manifest = plan.options.get("include_metadata") is not False
    return ArchivePackage(partial(TarArchive, created_at=plan.created_at, compress=compress), with_manifest=with_manifest)


PACKAGE_FACTORIES: dict[ExportFormat, Callable[[ExportPlan], Package]] = {
    ExportFormat.ZIP: lambda plan: zip_package(plan, ArchivePackage),
    ExportFormat.TAR: lambda plan: tar_package(plan, compress=False),
    ExportFormat.TAR_GZ: lambda plan: tar_package(plan, compress=True),
    ExportFormat.CSV: lambda plan: CsvTable(plan.options.get("delimiter") or ","),
    ExportFormat.JSON: lambda plan: JsonDocument(),
    ExportFormat.IMAGEFOLDER: lambda plan: zip_package(plan, ImageFolder),
    ExportFormat.COCO: lambda plan: zip_package(plan, Coco),
    ExportFormat.WEBDATASET: lambda plan: WebDatasetShard(plan.created_at, plan.extension),
    ExportFormat.PARQUET: lambda plan: ParquetShard(urls=plan.includes_urls),
}
