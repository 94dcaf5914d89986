"""Reports in the BIM Collaboration Format 2.1: a topic with a snapshot for each change."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid5
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from lxml import etree
from PIL import Image

from pipelines.drawings.crops import crop
from pipelines.drawings.reports.clouds import AUTHOR
from pipelines.drawings.reports.content import ReportChange, ReportContent, ReportSheet, SheetResult
from resolvers.drawings.change_reviews import ChangeDecision

VERSION = "2.1"
STATUSES = {
    ChangeDecision.OPEN: "Open",
    ChangeDecision.ACCEPTED: "Closed",
    ChangeDecision.IGNORED: "Closed",
}
"""Statuses of topics by decision, which is a label too."""
TOPIC_TYPE = "Drawing change"
SNAPSHOT_SIDE = 1_024
"""Maximum length in pixels of a snapshot's longer side."""
MAX_TITLE_LENGTH = 200


def write_bcf(content: ReportContent, parts: Sequence[Path], target: Path) -> Path:
    """Write the file from its parts, which hold the topics."""
    version = etree.Element("Version", VersionId=VERSION)
    etree.SubElement(version, "DetailedVersion").text = VERSION
    project = etree.Element("ProjectExtension")
    named = etree.SubElement(project, "Project", ProjectId=str(content.session_id))
    etree.SubElement(named, "Name").text = xml_text(content.project or content.title)
    etree.SubElement(project, "ExtensionSchema")
    with ZipFile(target, "w") as package:
        write_xml(package, "bcf.version", version, content.made_at)
        write_xml(package, "project.bcfp", project, content.made_at)
        for part in parts:
            with ZipFile(part) as topics:
                for entry in topics.infolist():
                    package.writestr(entry, topics.read(entry))
    return target


def write_topics(content: ReportContent, sheet: ReportSheet, overlay: Path | None, target: Path) -> Path:
    """Write the changes of a sheet as topics. Snapshots show the overlay around each change."""
    with ExitStack() as stack:
        package = stack.enter_context(ZipFile(target, "w"))
        image = None if overlay is None else stack.enter_context(Image.open(overlay))
        for change in sheet.changes:
            folder = f"{change.id}/"
            viewpoint = uuid5(change.id, "viewpoint") if image else None
            topic = topic_markup(content, sheet, change, viewpoint)
            write_xml(package, f"{folder}markup.bcf", topic, content.made_at)
            if image and viewpoint:
                view = etree.Element("VisualizationInfo", Guid=str(viewpoint))
                write_xml(package, f"{folder}viewpoint.bcfv", view, content.made_at)
                write_file(package, f"{folder}snapshot.png", snapshot(image, change), content.made_at)
    return target


def topic_markup(
    content: ReportContent, sheet: ReportSheet, change: ReportChange, viewpoint: UUID | None
) -> etree._Element:
    """The markup of a topic. Its elements have the order that the schema demands."""
    markup = etree.Element("Markup")
    status = STATUSES[change.decision]
    topic = etree.SubElement(markup, "Topic", Guid=str(change.id), TopicType=TOPIC_TYPE, TopicStatus=status)
    title = f"{sheet.name} / {change.number}: {change.label}, {change.location}"
    labels = [sheet.name, change.label, change.decision.value.capitalize()]
    if sheet.result is SheetResult.LOW:
        labels.append("Low confidence")
    fields = [
        ("Title", title[:MAX_TITLE_LENGTH]),
        ("Index", str(change.number)),
        *(("Labels", text) for text in labels),
        ("CreationDate", xml_date(content.made_at)),
        ("CreationAuthor", AUTHOR),
        ("Description", topic_description(content, sheet, change)),
    ]
    for name, text in fields:
        etree.SubElement(topic, name).text = xml_text(text)
    if change.note:
        add_comment(markup, content, change, viewpoint)
    if viewpoint:
        view = etree.SubElement(markup, "Viewpoints", Guid=str(viewpoint))
        etree.SubElement(view, "Viewpoint").text = "viewpoint.bcfv"
        etree.SubElement(view, "Snapshot").text = "snapshot.png"
    return markup


def add_comment(
    markup: etree._Element, content: ReportContent, change: ReportChange, viewpoint: UUID | None
) -> None:
    """Add the note on a decision as a comment."""
    comment = etree.SubElement(markup, "Comment", Guid=str(uuid5(change.id, "note")))
    etree.SubElement(comment, "Date").text = xml_date(change.decided_at or content.made_at)
    etree.SubElement(comment, "Author").text = AUTHOR
    etree.SubElement(comment, "Comment").text = xml_text(change.note or "")
    if viewpoint:
        etree.SubElement(comment, "Viewpoint", Guid=str(viewpoint))


def topic_description(content: ReportContent, sheet: ReportSheet, change: ReportChange) -> str:
    """The change in words."""
    lines = [change.description]
    if change.words_removed:
        lines.append(f"Before: {' | '.join(change.words_removed)}")
    if change.words_added:
        lines.append(f"After: {' | '.join(change.words_added)}")
    lines += [f"Place: {change.location}", f"Size: {change.size_text}", f"Decision: {change.decision.name}"]
    lines.append(
        f"Old: {content.old_file}, page {sheet.old_page}. New: {content.new_file}, page {sheet.new_page}."
    )
    return "\n".join([*lines, *([sheet.reason] if sheet.reason else [])])


def snapshot(overlay: Image.Image, change: ReportChange) -> bytes:
    """A picture of a change and its surroundings."""
    picture = crop(overlay, change.box)
    picture.thumbnail((SNAPSHOT_SIDE, SNAPSHOT_SIDE))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def xml_date(moment: datetime) -> str:
    """A moment as `xs:dateTime`."""
    return moment.isoformat(timespec="seconds")


def xml_text(text: str) -> str:
    """A text without characters that XML does not allow."""
    return "".join(
        sign
        for sign in text
        if sign in "\t\n\r"
        or "\x20" <= sign <= "\ud7ff"
        or "\ue000" <= sign <= "\ufffd"
        or sign >= "\U00010000"
    )


def write_xml(package: ZipFile, name: str, root: etree._Element, moment: datetime) -> None:
    """Add an XML document to the file."""
    text = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    write_file(package, name, text, moment)


def write_file(package: ZipFile, name: str, data: bytes, moment: datetime) -> None:
    """Add an entry to the file."""
    entry = ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = ZIP_STORED if name.endswith(".png") else ZIP_DEFLATED
    package.writestr(entry, data)
