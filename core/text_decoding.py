"""Character encodings and delimiters of text files."""

import csv
import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from core.encoding_detection import Detection, detect_legacy_encoding
from core.errors import UnsupportedContent

BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""Characters that text does not have. Form feeds and escapes are in texts for printers and terminals."""
MAX_CONTROL_SHARE = 0.002
SAMPLE_LENGTH = 100_000
"""Bytes from which an encoding without a mark is detected."""
MIN_UTF8_SHARE = 0.9
"""The share of lines, or of characters, beyond ASCII from which a text is UTF-8 with damaged places."""
DELIMITERS = (";", "\t", ",", "|")
SAMPLE_ROWS = 200
"""Rows from which a delimiter is guessed."""


@dataclass(frozen=True)
class DecodedText:
    """A text, the encoding of its bytes, and what is doubtful about it."""

    text: str
    encoding: str
    damaged: int = 0
    """Characters that were replaced."""
    alternative: str | None = None
    """Another encoding, which is nearly as likely and gives another text."""
    foreign_lines: int = 0
    """Lines that were read in `foreign_encoding`."""
    foreign_encoding: str | None = None


def decode(content: bytes) -> str:
    """The text of bytes in any encoding. Raises `UnsupportedContent` if they are no text."""
    return decode_text(content).text


def decode_text(content: bytes) -> DecodedText:
    """Decode bytes in any encoding. Raises `UnsupportedContent` if they are no text."""
    detection = _detect(content, complete=True)
    if detection is None:
        raise UnsupportedContent("The file is not a text file.")
    encoding = detection.encoding
    if encoding == "utf-8" and (mixed := _decode_mixed_lines(content)) is not None:
        return mixed
    text = content.decode(encoding, errors="replace")
    damaged = text.count("\ufffd") - content.count("\ufffd".encode()) * (encoding == "utf-8")
    return DecodedText(text, encoding, max(damaged, 0), detection.alternative)


def is_text(head: bytes) -> bool:
    """Whether the beginning of a file is text in any encoding."""
    return detect_text_encoding(head, complete=False) is not None


def detect_text_encoding(content: bytes, *, complete: bool = True) -> str | None:
    """The encoding of a text by its byte order mark, else by its bytes; None if it is no text.

    Unless the content is `complete`, its last character may be cut.
    """
    detection = _detect(content, complete=complete)
    return None if detection is None else detection.encoding


def _detect(content: bytes, *, complete: bool) -> Detection | None:
    if encoding := _marked_encoding(content) or _unmarked_wide_encoding(content):
        whole = content if complete else content[: len(content) // 4 * 4]
        text = whole.decode(encoding, errors="replace")
        return Detection(encoding, None) if _is_readable(text) else None
    sample = content[:SAMPLE_LENGTH]
    if not _is_readable(sample.decode("latin-1")):
        return None
    if b"\x1b$" in sample:
        return Detection("iso2022_jp", None)
    if _is_utf8(content, complete=complete) or _is_damaged_utf8(content):
        return Detection("utf-8", None)
    return detect_legacy_encoding(_sample_beyond_ascii(content), complete=complete)


def detect_encoding(beginning: bytes) -> str:
    """The encoding of a file, from its beginning; Windows-1252 if it reads like no language."""
    return detect_text_encoding(beginning, complete=False) or "cp1252"


def _marked_encoding(content: bytes) -> str | None:
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if content.startswith(mark)), None)


def _unmarked_wide_encoding(content: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of ASCII text is zero."""
    sample = content[:1000]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[start::2].count(0), sample[1 - start :: 2].count(0)
        if len(sample) >= 8 and zeros > 0.4 * len(sample) / 2 and not others:
            return encoding
    return None


def _is_readable(text: str) -> bool:
    """Whether a text has no zeros and hardly any other control characters."""
    if "\x00" in text:
        return False
    return len(CONTROL_CHARACTER.findall(text)) <= MAX_CONTROL_SHARE * len(text)


def _sample_beyond_ascii(content: bytes) -> bytes:
    """A sample from the line of the first byte beyond ASCII."""
    first = re.search(rb"[\x80-\xff]", content)
    start = content.rfind(b"\n", 0, first.start()) + 1 if first else 0
    return content[start : start + SAMPLE_LENGTH]


def _is_utf8(content: bytes, *, complete: bool = True) -> bool:
    try:
        getincrementaldecoder("utf-8")().decode(content, complete)
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf8(content: bytes) -> bool:
    """Whether nearly all lines beyond ASCII, or nearly all characters beyond it, are UTF-8."""
    lines = [line for line in content.splitlines() if not line.isascii()]
    if len(lines) > 1 and sum(map(_is_utf8, lines)) >= MIN_UTF8_SHARE * len(lines):
        return True
    text = content.decode(errors="replace")
    damaged, beyond = text.count("\ufffd"), sum(sign > "\x7f" for sign in text[:SAMPLE_LENGTH])
    return damaged <= (1 - MIN_UTF8_SHARE) * beyond


def _decode_mixed_lines(content: bytes) -> DecodedText | None:
    """UTF-8 with a few lines in another encoding; None if all are in UTF-8, or there is one line."""
    lines = content.splitlines(keepends=True)
    others = [line for line in lines if not _is_utf8(line)]
    if not others or len(lines) == 1:
        return None
    found = detect_legacy_encoding(b"".join(others), complete=True) or Detection("cp1252", None)
    text = "".join(
        line.decode() if _is_utf8(line) else line.decode(found.encoding, "replace") for line in lines
    )
    return DecodedText(text, "utf-8", foreign_lines=len(others), foreign_encoding=found.encoding)


def detect_delimiter(text: str, choices: Sequence[str] = DELIMITERS) -> str:
    """The delimiter whose rows are the most regular; the earlier choice wins a tie."""
    return max(choices, key=lambda delimiter: row_regularity(parse_rows(text, delimiter)))


def parse_rows(text: str, delimiter: str) -> list[list[str]]:
    """The first rows of delimited values, stripped. A blank line is an empty row."""
    try:
        reader = csv.reader(StringIO(text), delimiter=delimiter)
        return [[value.strip() for value in row] for row in islice(reader, SAMPLE_ROWS)]
    except csv.Error:
        return []


def row_regularity(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows with the most common length, 0 if that length is below 2; and that length."""
    lengths = [len(row) for row in rows if row]
    if not lengths:
        return 0.0, 0
    common = max(set(lengths), key=lambda length: (lengths.count(length), length))
    return (lengths.count(common) / len(lengths), common) if common > 1 else (0.0, common)
