"""Reports in the BIM Collaboration Format."""

from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

from lxml import etree
from PIL import Image

from pipelines.drawings.reports.bcf import write_bcf, write_topics
from pipelines.drawings.reports.content import SheetResult
from resolvers.drawings.change_reviews import ChangeDecision
from tests.drawings.reports.sample_content import change as a_change
from tests.drawings.reports.sample_content import content, sheet

TOPIC_ORDER = ["Title", "Index", "Labels", "CreationDate", "CreationAuthor", "Description"]


def test_each_change_is_a_topic_with_a_snapshot(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.png"
    Image.new("RGB", (600, 400), "white").save(overlay)
    pages = (
        sheet("A-101", a_change(1, (10, 20, 30, 40)), a_change(2, (50, 60, 7, 8))),
        sheet(
            "A-102",
            a_change(3, (0, 0, 600, 400), decision=ChangeDecision.IGNORED, note="As\x00 built"),
            result=SheetResult.LOW,
        ),
    )
    report = content(*pages)
    parts = [
        write_topics(report, pages[0], overlay, tmp_path / "0.bcf"),
        write_topics(report, pages[1], None, tmp_path / "1.bcf"),
    ]
    path = write_bcf(report, parts, tmp_path / "report.bcf")

    first, second, third = (str(UUID(int=number)) for number in (1, 2, 3))
    files = ("markup.bcf", "viewpoint.bcfv", "snapshot.png")
    with ZipFile(path) as package:
        assert package.testzip() is None
        assert package.namelist() == [
            "bcf.version",
            "project.bcfp",
            *(f"{topic}/{file}" for topic in (first, second) for file in files),
            f"{third}/markup.bcf",
        ]
        version = etree.fromstring(package.read("bcf.version"))
        assert version.get("VersionId") == "2.1"
        topic = etree.fromstring(package.read(f"{first}/markup.bcf")).find("Topic")
        ignored = etree.fromstring(package.read(f"{third}/markup.bcf"))
        view = etree.fromstring(package.read(f"{first}/viewpoint.bcfv"))
        markup = etree.fromstring(package.read(f"{first}/markup.bcf"))
        assert package.read(f"{first}/snapshot.png").startswith(b"\x89PNG")
    assert topic is not None
    assert list(dict.fromkeys(element.tag for element in topic)) == TOPIC_ORDER
    assert (topic.get("Guid"), topic.get("TopicStatus")) == (first, "Open")
    assert [label.text for label in topic.iter("Labels")] == ["A-101", "Modified", "Open"]
    assert "Before: 900\nAfter: 1010" in (topic.findtext("Description") or "")
    assert [element.tag for element in markup] == ["Topic", "Viewpoints"]
    assert markup.find("Viewpoints").get("Guid") == view.get("Guid")
    assert [element.tag for element in ignored] == ["Topic", "Comment"]
    assert [element.tag for element in ignored[1]] == ["Date", "Author", "Comment"]
    assert ignored.findtext("Comment/Comment") == "As built"
    assert [label.text for label in ignored.iter("Labels")][2:] == ["Ignored", "Low confidence"]
    assert ignored[0].get("TopicStatus") == "Closed"
