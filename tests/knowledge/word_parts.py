"""Word documents written part by part, with what python-docx cannot write."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = (
    f'xmlns:w="{WORD}" xmlns:r="{OFFICE}" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"


def write_word(path: Path, body: str, /, **parts: str) -> Path:
    """A document with this body; `parts` by kind, such as `footnotes`, `header1` or `chart1`."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relationships({"officeDocument": "word/document.xml"}))
        archive.writestr(
            "word/document.xml", f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
        )
        archive.writestr(
            "word/_rels/document.xml.rels", relationships({kind: f"{kind}.xml" for kind in parts})
        )
        for kind, content in parts.items():
            archive.writestr(f"word/{kind}.xml", content)
    return path


def relationships(targets: dict[str, str]) -> str:
    """Relationships whose ids are the kinds of their targets."""
    lines = (
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind.rstrip("0123456789")}" Target="{target}"/>'
        for kind, target in targets.items()
    )
    return f'<Relationships xmlns="{RELATIONSHIPS}">{"".join(lines)}</Relationships>'


def paragraph(*runs: str, style: str = "") -> str:
    """A paragraph of runs; a run without markup is text."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    content = "".join(run if run.startswith("<") else text_run(run) for run in runs)
    return f"<w:p>{properties}{content}</w:p>"


def text_run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def part(name: str, content: str) -> str:
    """A part with this root element, such as `hdr` or `footnotes`."""
    return f"<w:{name} {NAMESPACES}>{content}</w:{name}>"
