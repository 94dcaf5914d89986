"""Text extraction from Word documents: everything that a reader of the final version sees, once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.knowledge.extraction.charts import CHART_TYPE, DIAGRAM_TYPE, chart_lines, diagram_lines
from pipelines.knowledge.extraction.numbering import BULLET, NumberedLists, value_of
from pipelines.knowledge.extraction.packages import (
    Element,
    Package,
    attribute,
    child,
    local_name,
    open_package,
)
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder
from pipelines.knowledge.extraction.tables import MAX_SPAN, table_lines

HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b", re.IGNORECASE)
WRAPPERS = frozenset(("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"))
"""Elements around blocks, rows and cells that are read as if they were not there."""
SKIPPED_ELEMENTS = frozenset(
    ("del", "moveFrom", "delText", "instrText", "delInstrText", "pPr", "sdtPr", "sdtEndPr", "rt")
)
CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


@dataclass
class Paragraph:
    """The text of a paragraph, and the blocks that are read after it: text boxes, notes, charts."""

    parts: list[str] = field(default_factory=list)
    attached: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()


@dataclass(frozen=True)
class Style:
    """A paragraph style: its name, its outline level from 1, and the style it is based on."""

    name: str
    level: int | None
    base: str | None
    list: tuple[str, str] = ("", "")
    """The id of its list, and the level in it; empty if it has none of its own."""


def read_docx(path: Path, limits: Limits) -> Iterator[Page]:
    """A Word document as one page, because page breaks depend on the layout.

    Headers come first and footers last; notes and comments follow the paragraph that refers to them.
    """
    with open_package(path, limits, "Word document") as package:
        (name,) = package.related("", "officeDocument").values()
        page = WordReader(package, name).read()
    yield page


class WordReader:
    """Reads the parts of a Word document into one page."""

    def __init__(self, package: Package, name: str) -> None:
        self._package, self._name = package, name
        self._composer = PageBuilder()
        self._styles = self._read_styles()
        parts = self._package.related(name, "numbering").values()
        self._numbering = NumberedLists(next((self._package.xml(part) for part in parts), None))
        self._notes = {
            **self._read_notes("footnotes", "footnote"),
            **self._read_notes("endnotes", "endnote"),
            **self._read_notes("comments", "comment"),
        }
        """Notes and comments that are not read yet, by kind and id."""
        self._fields: list[str] = []
        """Instructions of the open fields."""
        self._merging: Paragraph | None = None
        """A paragraph whose mark is deleted: the next one continues it."""
        self._hidden = self._images = self._objects = 0

    def read(self) -> Page:
        """The page. Raises `ValueError` if the document has no body."""
        body = child(self._package.xml(self._name), "body")
        if body is None:
            raise ValueError("the document has no body")
        self._read_margins(body, "header")
        self._read_blocks(body)
        self._flush()
        for key, comment in list(self._notes.items()):
            if key[0] == "comment" and self._notes.pop(key, None) is not None:
                self._read_note(comment)
        self._read_margins(body, "footer")
        if self._hidden:
            self._composer.warn("Hidden text was not read.")
        if self._images:
            self._composer.warn(f"Images without alternative text were not read: {self._images}.")
        if self._objects:
            self._composer.warn(f"Embedded files were not read: {self._objects}.")
        return self._composer.page()

    def _read_margins(self, body: Element, kind: str) -> None:
        """Headers or footers of all sections, each text once."""
        parts = self._package.related(self._name, kind)
        references = [attribute(node, "id") for node in body.iter(f"{{*}}{kind}Reference")]
        texts: set[str] = set()
        for name in dict.fromkeys(parts[id] for id in references if id in parts):
            root = self._package.xml(name)
            text = " ".join("".join(root.itertext("{*}t")).split())
            if text not in texts:
                texts.add(text)
                self._fields.clear()
                self._read_blocks(root)
                self._flush()
        self._fields.clear()

    def _read_blocks(self, parent: Element) -> None:
        for node in parent:
            name = local_name(node)
            if name == "p":
                self._read_paragraph(node)
            elif name == "tbl":
                self._read_table(node)
            elif name in WRAPPERS:
                self._read_blocks(node)
            elif name == "altChunk":
                self._objects += 1
            elif name == "AlternateContent":
                self._read_blocks(_alternative(node))

    def _read_paragraph(self, element: Element) -> None:
        paragraph = self._merging or Paragraph()
        self._merging = None
        self._collect(element, paragraph)
        properties = child(element, "pPr")
        if properties is not None and child(properties, "rPr", "del") is not None:
            self._merging = paragraph
            return
        self._add(paragraph, properties)

    def _add(self, paragraph: Paragraph, properties: Element | None) -> None:
        style, level = self._style(properties)
        number = self._number(properties) or (BULLET if style.startswith("List") else "")
        text = f"{number} {paragraph.text}" if number and paragraph.text else paragraph.text
        self._composer.add(text, level=level)
        self._read_attached(paragraph.attached)

    def _flush(self) -> None:
        if self._merging is not None:
            paragraph, self._merging = self._merging, None
            self._add(paragraph, None)

    def _style(self, properties: Element | None) -> tuple[str, int | None]:
        """The style's name, and the level of a heading."""
        if properties is None:
            return "", None
        style = child(properties, "pStyle")
        outline = child(properties, "outlineLvl")
        known = self._styles.get((attribute(style, "val") or "") if style is not None else "")
        level = int(attribute(outline, "val") or 9) + 1 if outline is not None else None
        name, seen = known.name if known else "", 0
        while known is not None and level is None and seen < len(self._styles):
            level, known, seen = known.level, self._styles.get(known.base or ""), seen + 1
        return name, level if level is not None and level < 10 else None

    def _number(self, properties: Element | None) -> str:
        """The automatic number of a paragraph, by itself or by its style; empty without one."""
        if properties is None:
            return ""
        style_id = value_of(properties, "pStyle")
        own = child(properties, "numPr")
        list_id, depth = list_of(own) if own is not None else ("", "")
        at, seen = style_id, 0
        while not list_id and at in self._styles and seen < len(self._styles):
            list_id, depth_of_style = self._styles[at].list
            depth = depth or depth_of_style
            if list_id and not depth:
                depth = str(self._numbering.depth_of(list_id, at))
            at, seen = self._styles[at].base or "", seen + 1
        return self._numbering.label(list_id, int(depth) if depth.isdecimal() else 0)

    def _read_attached(self, attached: list[Element]) -> None:
        for node in attached:
            name = local_name(node)
            if name == "txbxContent":
                self._read_blocks(node)
                self._flush()
            elif name in ("chart", "relIds"):
                self._read_drawing(node, name)
            elif name == "tbl":
                self._read_table(node)
            elif name == "docPr":
                self._composer.add(attribute(node, "descr") or "")
            else:
                self._read_note(node)

    def _read_drawing(self, node: Element, name: str) -> None:
        kind, id = (CHART_TYPE, "id") if name == "chart" else (DIAGRAM_TYPE, "dm")
        target = self._package.related(self._name, kind).get(attribute(node, id) or "")
        if target is None:
            self._objects += 1
        else:
            root = self._package.xml(target)
            self._composer.add_lines(chart_lines(root) if name == "chart" else diagram_lines(root))

    def _read_note(self, note: Element) -> None:
        if local_name(note) == "comment":
            text = " ".join(self._cell_text(note, []).split())
            self._composer.add(f"Comment by {attribute(note, 'author') or 'unknown'}: {text}" if text else "")
        else:
            self._read_blocks(note)
            self._flush()

    def _collect(self, element: Element, paragraph: Paragraph) -> None:
        """Collect the text inside an element, and what is read after its paragraph."""
        for node in element:
            name = local_name(node)
            if name in SKIPPED_ELEMENTS:
                if name == "instrText" and self._fields:
                    self._fields[-1] += node.text or ""
            elif name == "t":
                if not any(map(PAGE_FIELD.match, self._fields)):
                    paragraph.parts.append(node.text or "")
            elif name in CHARACTERS:
                paragraph.parts.append(CHARACTERS[name])
            elif name == "fldChar":
                self._track_field(attribute(node, "fldCharType"))
            elif name == "fldSimple":
                if not PAGE_FIELD.match(attribute(node, "instr") or ""):
                    self._collect(node, paragraph)
            elif name == "sym":
                paragraph.parts.append(_symbol(node))
            elif name in ("footnoteReference", "endnoteReference", "commentReference"):
                note = self._notes.pop((name.removesuffix("Reference"), attribute(node, "id")), None)
                paragraph.attached += [note] if note is not None else []
            elif name == "r":
                self._collect_run(node, paragraph)
            elif name == "AlternateContent":
                self._collect(_alternative(node), paragraph)
            elif name in ("txbxContent", "chart", "relIds"):
                paragraph.attached.append(node)
            else:
                self._collect_other(node, name, paragraph)

    def _collect_run(self, run: Element, paragraph: Paragraph) -> None:
        if _is_on(child(run, "rPr", "vanish")):
            self._hidden += any(True for _ in run.iter("{*}t"))
        else:
            self._collect(run, paragraph)

    def _collect_other(self, node: Element, name: str, paragraph: Paragraph) -> None:
        if name in ("inline", "anchor"):
            described = child(node, "docPr")
            if described is not None and (attribute(described, "descr") or "").strip():
                paragraph.attached.append(described)
            elif any(True for _ in node.iter("{*}pic")):
                self._images += 1
        elif name == "imagedata":
            self._images += 1
        elif name == "OLEObject":
            self._objects += 1
        self._collect(node, paragraph)

    def _track_field(self, kind: str | None) -> None:
        if kind == "begin":
            self._fields.append("")
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _read_table(self, table: Element) -> None:
        """A table by rows; one of a single column is read as blocks, as it only frames them."""
        rows = [row for row in _inner(table, "tr") if child(row, "trPr", "del") is None]
        if all(len(list(_inner(row, "tc"))) <= 1 for row in rows):
            for row in rows:
                for cell in _inner(row, "tc"):
                    self._read_blocks(cell)
                    self._flush()
            return
        attached: list[Element] = []
        above: list[str] = []
        lines: list[list[str]] = []
        for row in rows:
            above = self._read_row(row, above, attached)
            lines.append(above)
        headers = 0
        while headers < len(rows) - 1 and _is_on(child(rows[headers], "trPr", "tblHeader")):
            headers += 1
        self._composer.add_lines(table_lines(lines, headers=headers or None, strict=True))
        self._read_attached(attached)

    def _read_row(self, row: Element, above: list[str], attached: list[Element]) -> list[str]:
        cells = [""] * min(_number(child(row, "trPr", "gridBefore")), MAX_SPAN)
        for cell in _inner(row, "tc"):
            if child(cell, "tcPr", "cellDel") is not None:
                continue
            merge = child(cell, "tcPr", "vMerge")
            text = self._cell_text(cell, attached)
            if merge is not None and attribute(merge, "val") in (None, "continue") and not text:
                text = above[len(cells)] if len(cells) < len(above) else ""
            span = child(cell, "tcPr", "gridSpan")
            cells += [text, *[""] * (min(_number(span, 1), MAX_SPAN) - 1)]
        return cells

    def _cell_text(self, cell: Element, attached: list[Element]) -> str:
        """The paragraphs of a cell; nested tables and text boxes are attached."""
        texts: list[str] = []
        for node in cell:
            name = local_name(node)
            if name == "p":
                paragraph = Paragraph()
                self._collect(node, paragraph)
                texts.append(paragraph.text)
                attached += paragraph.attached
            elif name == "tbl":
                attached.append(node)
            elif name in WRAPPERS:
                texts.append(self._cell_text(node, attached))
        return " ".join(filter(None, texts))

    def _read_styles(self) -> dict[str, Style]:
        styles: dict[str, Style] = {}
        for name in self._package.related(self._name, "styles").values():
            for node in self._package.xml(name).iter("{*}style"):
                title = attribute(child(node, "name"), "val") if child(node, "name") is not None else ""
                base, outline = child(node, "basedOn"), child(node, "pPr", "outlineLvl")
                heading = HEADING.match(title or "")
                level = int(heading[1]) if heading else 1 if title == "Title" else None
                if level is None and outline is not None:
                    level = _number(outline, 9) + 1
                styles[attribute(node, "styleId") or ""] = Style(
                    title or "",
                    level,
                    attribute(base, "val") if base is not None else None,
                    list_of(child(node, "pPr", "numPr")),
                )
        return styles

    def _read_notes(self, kind: str, name: str) -> dict[tuple[str, str | None], Element]:
        return {
            (name, attribute(note, "id")): note
            for part in self._package.related(self._name, kind).values()
            for note in self._package.xml(part).iter(f"{{*}}{name}")
            if attribute(note, "type") in (None, "normal")
        }


def list_of(properties: Element | None) -> tuple[str, str]:
    """The id of the list, and the level in it, of `numPr`."""
    return ("", "") if properties is None else (value_of(properties, "numId"), value_of(properties, "ilvl"))


def _inner(element: Element, name: str) -> Iterator[Element]:
    """The children of this name, also inside wrappers."""
    for node in element:
        found = local_name(node)
        if found == name:
            yield node
        elif found in WRAPPERS:
            yield from _inner(node, name)


def _alternative(element: Element) -> Element:
    """The content that current programs show, of several representations."""
    choice, fallback = child(element, "Choice"), child(element, "Fallback")
    if choice is None or fallback is None:
        return choice if choice is not None else fallback if fallback is not None else ()
    readable = any(True for _ in choice.iter("{*}t", "{*}chart", "{*}relIds", "{*}pic"))
    return choice if readable else fallback


def _is_on(flag: Element | None) -> bool:
    return flag is not None and attribute(flag, "val") not in ("0", "false", "off")


def _number(element: Element | None, default: int = 0) -> int:
    value = attribute(element, "val") if element is not None else None
    return int(value) if value and value.isdigit() else default


def _symbol(element: Element) -> str:
    """A character of a symbol font; those in the private use area have no letter."""
    code = int(attribute(element, "char") or "0", 16)
    return chr(code) if 0x20 <= code < 0xD800 else ""
