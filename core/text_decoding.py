"""Character encodings and delimiters of text files."""

import csv
from collections.abc import Sequence
from io import StringIO
from itertools import islice

import charset_normalizer

from core.errors import UnsupportedContent

BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SAMPLE_LENGTH = 100_000
"""Bytes from which an encoding without a mark is guessed."""
MIN_UTF8_SHARE = 0.9
"""The share of lines in UTF-8 from which the other lines are decoded as Windows-1252."""
DELIMITERS = (";", "\t", ",", "|")
SAMPLE_ROWS = 200
"""Rows from which a delimiter is guessed."""


def decode(content: bytes) -> str:
    """The text of bytes in any encoding. Raises `UnsupportedContent` if no encoding fits."""
    if encoding := _marked_encoding(content):
        return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        lines = content.splitlines(keepends=True)
    if sum(map(_is_utf8, lines)) >= MIN_UTF8_SHARE * len(lines) and len(lines) > 1:
        return "".join(
            line.decode() if _is_utf8(line) else line.decode("cp1252", "replace") for line in lines
        )
    guess = charset_normalizer.from_bytes(content[:SAMPLE_LENGTH]).best()
    if guess is None:
        raise UnsupportedContent("The file is not a text file.")
    return content.decode(guess.encoding, errors="replace")


def detect_encoding(beginning: bytes) -> str:
    """The encoding of a file, given its beginning: by its byte order mark, else UTF-8 or Windows-1252."""
    if encoding := _marked_encoding(beginning):
        return encoding
    try:
        beginning.decode()
    except UnicodeDecodeError as error:  # a character may be cut at the end
        return "utf-8" if error.start > len(beginning) - 8 else "cp1252"
    return "utf-8"


def _marked_encoding(content: bytes) -> str | None:
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if content.startswith(mark)), None)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


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
