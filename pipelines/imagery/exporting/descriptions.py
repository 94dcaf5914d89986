"""What an export contains: its plan, and the facts of its dataset card."""

from collections.abc import Mapping
from datetime import datetime

from db.models import DatasetSplit, DatasetVersion, ExportJob
from db.uow import UnitOfWork
from pipelines.imagery.exporting.dataset_card import DatasetInfo
from pipelines.imagery.exporting.formats import ExportPlan
from pipelines.imagery.exporting.records import extension
from resolvers.imagery import export_images, exports
from resolvers.imagery.export_images import LabelSummary

SplitCounts = Mapping[DatasetSplit | None, int]
"""Number of images by split, in the order of the export."""


async def describe_export(
    uow: UnitOfWork, export: ExportJob, counts: SplitCounts
) -> tuple[ExportPlan, DatasetInfo]:
    """The plan of an export and its dataset. What is exported determines them, and not when."""
    formats = await export_images.image_formats(uow, export)
    if export.dataset_version_id is None:
        crawl = await exports.find_crawl(uow, export)
        plan = make_plan(export, crawl.created_at, formats)
        return plan, DatasetInfo(
            name=export.name,
            source=crawl.name,
            keywords=crawl.keywords,
            format=export.format.value,
            filename=plan.filename(None, 0),
            created_at=crawl.created_at,
            rules=await exports.latest_rules(uow, crawl.id),
            notes=[plan.card_note] if plan.card_note else [],
            lists_sources=plan.includes_urls,
        )
    version = await exports.find_version(uow, export.dataset_version_id)
    labels = await export_images.label_summary(uow, export)
    plan = make_plan(export, version.created_at, formats, labels)
    return plan, describe_version(export, version, plan, counts)


def make_plan(
    export: ExportJob, created_at: datetime, formats: set[str], labels: LabelSummary | None = None
) -> ExportPlan:
    """The plan of an export; of a version with `labels`."""
    resize = export.export_options.get("resize")
    return ExportPlan(
        export.format,
        export.export_options,
        created_at,
        extension(resize.get("format") or "jpeg") if resize else common_extension(formats),
        is_split=labels is not None,
        class_names=labels.names if labels else (),
        is_single_label=labels is not None and labels.is_single,
    )


def describe_version(
    export: ExportJob, version: DatasetVersion, plan: ExportPlan, counts: SplitCounts
) -> DatasetInfo:
    """The dataset of a version. Images that the options leave out are named."""
    omitted = version.image_count - sum(counts.values())
    notes = [plan.card_note] if plan.card_note else []
    if omitted:
        notes.append(f"{omitted} images of the version are left out, for their number of labels.")
    facts = {
        "version": version.number,
        "images": version.image_count,
        "groups of near duplicates": version.group_count,
        "seed": version.seed,
        "digest": version.digest,
        **({"note": version.note} if version.note else {}),
    }
    patterns = {
        split.value: plan.filename(split, 0).replace("-00000", "-*") for split in counts if split is not None
    }
    return DatasetInfo(
        name=f"{version.name}, version {version.number}",
        source=f"{version.number} of the data set {version.name}",
        keywords=(),
        format=export.format.value,
        filename=plan.filename(None, 0),
        created_at=version.created_at,
        is_version=True,
        description=version.description or "",
        facts=facts,
        notes=notes,
        data_files=patterns if plan.has_files_by_split else {},
        lists_sources=plan.includes_urls,
    )


def common_extension(formats: set[str]) -> str:
    """Common extension of all images: that of their format if all are JPEG or all are PNG, else `jpg`."""
    extensions = {extension(format) for format in formats}
    return extensions.pop() if extensions in ({"jpg"}, {"png"}) else "jpg"
