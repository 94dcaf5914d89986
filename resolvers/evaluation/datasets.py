"""Data sets for evaluation runs: passages, and questions about them."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Invalid

BUNDLED = {
    name: Path(__file__).with_name("bundled") / f"{name}.jsonl" for name in ("handbook", "municipality")
}
"""The bundled data sets, by name."""

MAX_FILE_BYTES = 50_000_000
MAX_QUESTIONS, MAX_PASSAGES = 5_000, 50_000
MAX_QUESTION_LENGTH, MAX_ANSWER_LENGTH, MAX_PASSAGE_LENGTH = 2_000, 10_000, 20_000
MAX_KEY_LENGTH = 100


@dataclass(frozen=True)
class Question:
    """A question with the expected answer and the keys of the expected passages, if any."""

    key: str
    text: str
    answer: str | None
    passages: tuple[str, ...]


@dataclass(frozen=True)
class DataSet:
    """Questions in order, and passages by key."""

    questions: Sequence[Question]
    passages: Mapping[str, str]

    @property
    def passages_digest(self) -> str:
        """SHA-256 of the passages and their keys, in any order."""
        return hashlib.sha256(json.dumps(sorted(self.passages.items())).encode()).hexdigest()


def parse(content: bytes) -> DataSet:
    """Parse a data set in JSON Lines, or CSV with a header.

    A JSON line with `text` is a passage: `{"id", "text"}`. One with `question` is a question:
    `{"id"?, "question", "answer"?, "passages"?: [ids]}`, or `"passage"` with the text itself. CSV has the
    column `question` and the optional columns `id`, `answer` and `passage`. Raises `Invalid` with the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The data set must be UTF-8 text.") from error
    builder = DataSetBuilder()
    rows = read_json_lines(text) if text.lstrip().startswith("{") else read_csv(text)
    for line, row in rows:
        builder.add(line, row)
    return builder.build()


def read_json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text_line in enumerate(text.splitlines(), 1):
        if not text_line.strip():
            continue
        try:
            row = json.loads(text_line)
        except ValueError as error:
            raise line_error(line, "the line is not valid JSON") from error
        if not isinstance(row, dict):
            raise line_error(line, "the line is not a JSON object")
        yield line, row


def read_csv(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        dialect: Any = csv.Sniffer().sniff(text[:10_000], ",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect, strict=False)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "question" not in columns:
        raise Invalid("The data set must be JSON Lines, or CSV with a column `question`.")
    reader.fieldnames = columns
    try:
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if name and value}
    except csv.Error as error:
        raise line_error(reader.line_num, f"the line is not valid CSV ({error})") from error


class DataSetBuilder:
    """Collects the lines of a data set."""

    def __init__(self) -> None:
        self._questions: dict[str, Question] = {}
        self._lines: dict[str, int] = {}
        self._passages: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Add a line. Raises `Invalid`."""
        if "question" in row:
            self._add_question(line, row)
        elif "text" in row:
            key = text_field(line, row, "id", MAX_KEY_LENGTH)
            if key in self._passages:
                raise line_error(line, f"duplicate passage id {key}")
            self._add_passage(line, key, text_field(line, row, "text", MAX_PASSAGE_LENGTH))
        else:
            raise line_error(line, "either `question` or `text` is required")

    def build(self) -> DataSet:
        """The data set. Raises `Invalid` if it is empty, or a question refers to an unknown passage."""
        if not self._questions:
            raise Invalid("The data set has no questions.")
        if not self._passages:
            raise Invalid("The data set has no passages.")
        for question in self._questions.values():
            for key in question.passages:
                if key not in self._passages:
                    raise line_error(self._lines[question.key], f"unknown passage id {key}")
        return DataSet(list(self._questions.values()), self._passages)

    def _add_question(self, line: int, row: Mapping[str, Any]) -> None:
        number = len(self._questions) + 1
        if number > MAX_QUESTIONS:
            raise line_error(line, f"a data set can have at most {MAX_QUESTIONS:,} questions")
        key = text_field(line, row, "id", MAX_KEY_LENGTH) if "id" in row else f"q{number}"
        if key in self._questions:
            raise line_error(line, f"duplicate question id {key}")
        text = text_field(line, row, "question", MAX_QUESTION_LENGTH)
        answer = text_field(line, row, "answer", MAX_ANSWER_LENGTH) if row.get("answer") is not None else None
        self._questions[key] = Question(key, text, answer, self._expected_passages(line, row))
        self._lines[key] = line

    def _expected_passages(self, line: int, row: Mapping[str, Any]) -> tuple[str, ...]:
        if row.get("passage") is not None:
            text = text_field(line, row, "passage", MAX_PASSAGE_LENGTH)
            return (self._keys.get(text) or self._add_passage(line, f"p{len(self._passages) + 1}", text),)
        keys = row.get("passages") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise line_error(line, "`passages` must be a list of ids")
        return tuple(dict.fromkeys(keys))

    def _add_passage(self, line: int, key: str, text: str) -> str:
        if len(self._passages) == MAX_PASSAGES:
            raise line_error(line, f"a data set can have at most {MAX_PASSAGES:,} passages")
        self._passages[key] = text
        self._keys.setdefault(text, key)
        return key


def text_field(line: int, row: Mapping[str, Any], name: str, limit: int) -> str:
    """A required text of the row, trimmed. Raises `Invalid`."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise line_error(line, f"`{name}` must be a text that is not blank")
    if len(value) > limit:
        raise line_error(line, f"`{name}` must be at most {limit:,} characters (got {len(value):,})")
    if "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
        raise line_error(line, f"`{name}` has characters that cannot be stored")
    return value.strip()


def line_error(line: int, message: str) -> Invalid:
    return Invalid(f"Line {line} of the data set: {message}.")
