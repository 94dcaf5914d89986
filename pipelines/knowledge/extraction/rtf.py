"""Text extraction from RTF: a tokenizer, and a reader of the groups that hold text."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder
from pipelines.knowledge.extraction.tables import table_lines

TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.IGNORECASE | re.DOTALL,
)
MAX_DEPTH = 500
MAX_BYTES = 100 * 2**20
SKIPPED_DESTINATIONS = frozenset(
    (
        *("fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "listtable", "listoverridetable"),
        *("revtbl", "rsidtbl", "generator", "xmlnstbl", "themedata", "datastore", "fldinst", "latentstyles"),
        *(
            "filetbl",
            "listtext",
            "pntext",
            "bkmkstart",
            "bkmkend",
            "atnid",
            "atnauthor",
            "atnref",
            "template",
        ),
        *("ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "nonshppict", "colorschememapping", "userprops"),
    )
)
APART = frozenset(
    (
        *(
            "footnote",
            "annotation",
            "header",
            "headerl",
            "headerr",
            "headerf",
            "footer",
            "footerl",
            "footerr",
        ),
        *("footerf", "shptxt"),
    )
)
"""Destinations that are paragraphs of their own, after the paragraph in which they stand."""
KNOWN_STARRED = APART | {"shpinst", "ud", "upr", "shppict"}
"""Destinations that are read although their mark allows skipping them."""
CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
}
SYMBOLS = {b"~": "\u00a0", b"_": "-", b"\n": "\n", b"\r": "\n", b"\\": "\\", b"{": "{", b"}": "}"}
CHARSETS = {
    0: "cp1252",
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
"""Encodings by the character set of a font."""


@dataclass(frozen=True)
class Group:
    """The state of a group: inner groups inherit it."""

    skipped: bool = False
    hidden: bool = False
    apart: bool = False
    fonts: bool = False
    encoding: str = "cp1252"
    fallback_length: int = 1
    level: int | None = None


def read_rtf(path: Path, limits: Limits) -> Iterator[Page]:
    """An RTF document as one page. Raises `Invalid` if it is damaged."""
    if path.stat().st_size > MAX_BYTES:
        raise UnsupportedContent(f"The document must be at most {MAX_BYTES >> 20} MB.")
    content = path.read_bytes()
    if not content.lstrip().startswith(b"{\\rtf"):
        raise Invalid("The file is not an RTF document.")
    yield RtfReader().read(content)


class RtfReader:
    """Reads a document into one page."""

    def __init__(self) -> None:
        self._composer = PageBuilder()
        self._group = Group()
        self._groups: list[Group] = []
        self._text: list[str] = []
        self._bytes = bytearray()
        self._apart: list[str] = []
        """Paragraphs that are read after the current one."""
        self._outer: list[list[str]] = []
        """Texts of the paragraphs around the current footnote or text box."""
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._font_encodings: dict[int, str] = {}
        self._font = 0
        self._default_encoding = "cp1252"
        self._skip = 0
        self._starred = False
        self._images = self._hidden = self._objects = 0

    def read(self, content: bytes) -> Page:
        position = 0
        while match := TOKEN.match(content, position):
            position = match.end()
            self._read_token(match)
        if position < len(content.rstrip(b"\x00\r\n\\ ")) or self._groups:
            raise Invalid("The RTF document is damaged, or incomplete.")
        self._end_paragraph()
        self._end_table()
        if self._hidden:
            self._composer.warn("Hidden text was not read.")
        if self._images:
            self._composer.warn(f"Images were not read: {self._images}.")
        if self._objects:
            self._composer.warn(f"Embedded files were not read: {self._objects}.")
        return self._composer.page()

    def _read_token(self, match: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, text = match.groups()
        if brace == b"{":
            self._open()
        elif brace == b"}":
            self._close()
        elif word is not None:
            self._read_word(word.decode().lower(), int(number) if number is not None else None)
        elif code is not None:
            self._add_bytes(bytes.fromhex(code.decode()))
        elif symbol == b"*":
            self._starred = True
        elif symbol is not None:
            self._add(SYMBOLS.get(symbol, ""))
        elif text is not None:
            self._add_bytes(text)

    def _open(self) -> None:
        self._decode_bytes()
        if len(self._groups) >= MAX_DEPTH:
            raise UnsupportedContent(f"The RTF document must be nested at most {MAX_DEPTH} levels deep.")
        self._groups.append(self._group)
        self._starred = False

    def _close(self) -> None:
        self._decode_bytes()
        if not self._groups:
            raise Invalid("The RTF document is damaged, or incomplete.")
        outer = self._groups.pop()
        if self._group.apart and not outer.apart:
            self._apart.append("".join(self._text))
            self._text = self._outer.pop()
        self._group, self._skip, self._starred = outer, 0, False

    def _read_word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        if word == "u" and number is not None:
            self._add_unicode(number)
            return
        self._decode_bytes()
        self._skip = 0
        if word in SKIPPED_DESTINATIONS or (starred and word not in KNOWN_STARRED):
            self._images += word == "pict" and not self._group.skipped
            self._objects += word == "object" and not self._group.skipped
            self._group = replace(self._group, skipped=True, fonts=word == "fonttbl")
        elif word in APART:
            if not self._group.apart and not self._group.skipped:
                self._outer.append(self._text)
                self._text = []
                self._group = replace(self._group, apart=True)
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        elif self._group.fonts and word in ("f", "fcharset"):
            self._read_font(word, number or 0)
        else:
            self._read_format(word, number)

    def _read_font(self, word: str, number: int) -> None:
        if word == "f":
            self._font = number
        elif number in CHARSETS:
            self._font_encodings[self._font] = CHARSETS[number]

    def _read_format(self, word: str, number: int | None) -> None:
        on = number != 0
        if word == "ansicpg" and number:
            self._default_encoding = _codec(f"cp{number}") or self._default_encoding
            self._group = replace(self._group, encoding=self._default_encoding)
        elif word == "f":
            encoding = self._font_encodings.get(number or 0, "cp1252")
            encoding = self._default_encoding if encoding == "cp1252" else encoding
            self._group = replace(self._group, encoding=encoding)
        elif word == "uc":
            self._group = replace(self._group, fallback_length=min(max(number or 0, 0), 10))
        elif word in ("deleted", "v"):
            self._group = replace(self._group, hidden=on)
            self._hidden += word == "v" and on and not self._group.skipped
        elif word == "plain":
            self._group = replace(self._group, hidden=False, encoding=self._default_encoding)
        elif word == "outlinelevel":
            self._group = replace(self._group, level=(number or 0) + 1 if (number or 0) < 9 else None)
        elif word == "pard":
            self._group = replace(self._group, level=None)
        elif not self._group.skipped:
            self._read_break(word)

    def _read_break(self, word: str) -> None:
        if word in ("par", "sect", "page", "column") and self._group.apart:
            self._text.append("\n")
        elif word in ("par", "sect", "page"):
            self._end_paragraph()
        elif word in ("cell", "nestcell"):
            self._cells.append("".join(self._text))
            self._text = []
        elif word in ("row", "nestrow"):
            self._rows.append(self._cells)
            self._cells = []

    def _end_paragraph(self) -> None:
        if self._cells:
            self._text.append("\n")  # a paragraph within a cell
            return
        text, self._text = "".join(self._text), []
        if text.strip():
            self._end_table()
            self._composer.add(text, level=self._group.level)
        self._add_apart()

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._composer.add_lines(table_lines(rows, strict=True))
            self._add_apart()

    def _add_apart(self) -> None:
        if not self._rows:
            paragraphs, self._apart = self._apart, []
            for paragraph in paragraphs:
                self._composer.add(paragraph)

    def _add(self, text: str) -> None:
        self._decode_bytes()
        if not self._group.skipped and not self._group.hidden:
            self._text.append(text)

    def _add_bytes(self, content: bytes) -> None:
        skipped = min(self._skip, len(content))
        self._skip -= skipped
        if not self._group.skipped and not self._group.hidden:
            self._bytes += content[skipped:]

    def _add_unicode(self, number: int) -> None:
        """A UTF-16 code unit, written as a signed number; characters for old programs follow it."""
        self._decode_bytes()
        self._skip = self._group.fallback_length
        unit = chr(number % 0x10000)
        if not self._group.skipped and not self._group.hidden:
            if self._text and "\ud800" <= self._text[-1][-1:] <= "\udbff":
                pair = (self._text.pop() + unit).encode("utf-16", "surrogatepass")
                unit = pair.decode("utf-16", "replace")
            self._text.append(unit)

    def _decode_bytes(self) -> None:
        if self._bytes:
            self._text.append(self._bytes.decode(self._group.encoding, "replace"))
            self._bytes.clear()


def _codec(name: str) -> str | None:
    try:
        return codecs.lookup(
            {"cp65001": "utf-8", "cp936": "gb18030", "cp10000": "mac_roman"}.get(name, name)
        ).name
    except LookupError:
        return None
