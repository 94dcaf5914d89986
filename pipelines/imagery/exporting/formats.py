"""Export formats: their options, file names and package writers."""

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
    """How a dataset is exported. `created_at` dates archive members; `extension` is for WebDataset."""

    format: ExportFormat
    options: Mapping[str, Any]
    created_at: datetime
    extension: str

    def open_package(self) -> Package:
        """Create the package, or the next shard."""
        return PACKAGE_FACTORIES[self.format](self)

    @property
    def includes_images(self) -> bool:
        """Whether the format contains the images, not only their metadata."""
        return self.format not in (ExportFormat.CSV, ExportFormat.JSON)

    @property
    def has_separate_card(self) -> bool:
        """Whether the dataset card is a separate file, as the format cannot contain it."""
        return self.format in (ExportFormat.CSV, ExportFormat.WEBDATASET, ExportFormat.PARQUET)

    @property
    def stem(self) -> str:
        """Name of its files, without extension."""
        return FILE_STEMS.get(self.format, "images")

    @property
    def suffix(self) -> str:
        """Extension of its files."""
        return FILE_SUFFIXES.get(self.format, self.format.value)

    @property
    def card_note(self) -> str:
        """Note on the format for the dataset card."""
        if self.format is not ExportFormat.WEBDATASET:
            return ""
        return f"All images have the extension `.{self.extension}`; `format` is the actual format of each."

    @property
    def includes_urls(self) -> bool:
        """Whether the source URLs of images are included."""
        return self.options.get("include_urls") is not False


def zip_package(plan: ExportPlan, kind: type[ArchivePackage]) -> Package:
    """Create a ZIP package of this class."""
    compress = bool(plan.options.get("compress"))
    with_manifest = plan.options.get("include_metadata") is not False
    return kind(
        partial(ZipArchive, created_at=plan.created_at, compress=compress), with_manifest=with_manifest
    )


def tar_package(plan: ExportPlan, compress: bool) -> Package:
    """Create a TAR package."""
    with_manifest = plan.options.get("include_metadata") is not False
    return ArchivePackage(
        partial(TarArchive, created_at=plan.created_at, compress=compress), with_manifest=with_manifest
    )


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
