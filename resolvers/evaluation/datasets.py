"""Data sets that runs measure on: passages, and questions about them."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Invalid

BUNDLED = {"handbook": Path(__file__).with_name("bundled") / "handbook.jsonl"}
"""The data sets that come with Seshat, by name."""

MAX_FILE_BYTES = 50_000_000
"""Of a file, in bytes."""
MAX_QUESTIONS, MAX_PASSAGES = 5_000, 50_000
MAX_QUESTION_LENGTH, MAX_ANSWER_LENGTH, MAX_PASSAGE_LENGTH = 2_000, 10_000, 20_000
MAX_KEY_LENGTH = 100


@dataclass(frozen=True)
class Question:
    """A question, and what is expected: `passages` by their keys, none where nothing answers it."""

    key: str
    text: str
    answer: str | None
    passages: tuple[str, ...]


@dataclass(frozen=True)
class DataSet:
    """Questions in their order, and the passages to find, by key."""

    questions: Sequence[Question]
    passages: Mapping[str, str]


def parse(content: bytes) -> DataSet:
    """A data set from JSON Lines, or from CSV with a header.

    A JSON line with `text` is a passage: `{"id", "text"}`. One with `question` is a question:
    `{"id"?, "question", "answer"?, "passages"?: [ids]}`, or `"passage"` with the text itself. CSV has the
    columns `question`, and `id`, `answer` and `passage` as wanted. Raises `Invalid`, which names the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The data set is not UTF-8 text.") from error
    found = DataSetBuilder()
    rows = read_json_lines(text) if text.lstrip().startswith("{") else read_csv(text)
    for line, row in rows:
        found.add(line, row)
    return found.build()


def read_json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, written in enumerate(text.splitlines(), 1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except ValueError as error:
            raise line_error(line, "this is not JSON") from error
        if not isinstance(row, dict):
            raise line_error(line, "this is not a JSON object")
        yield line, row


def read_csv(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        dialect: Any = csv.Sniffer().sniff(text[:10_000], ",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect, strict=False)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "question" not in columns:
        raise Invalid("This is neither JSON Lines nor CSV with a column `question`.")
    reader.fieldnames = columns
    try:
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if name and value}
    except csv.Error as error:
        raise line_error(reader.line_num, f"this is not CSV ({error})") from error


class DataSetBuilder:
    """What has been read so far."""

    def __init__(self) -> None:
        self._questions: dict[str, Question] = {}
        self._lines: dict[str, int] = {}
        self._passages: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Take a line in. Raises `Invalid`."""
        if "question" in row:
            self._add_question(line, row)
        elif "text" in row:
            key = text_field(line, row, "id", MAX_KEY_LENGTH)
            if key in self._passages:
                raise line_error(line, f"there are two passages {key}")
            self._add_passage(line, key, text_field(line, row, "text", MAX_PASSAGE_LENGTH))
        else:
            raise line_error(line, "this has neither `question` nor `text`")

    def build(self) -> DataSet:
        """All of it. Raises `Invalid` where a question expects a passage that there is not."""
        if not self._questions:
            raise Invalid("The data set has no question.")
        if not self._passages:
            raise Invalid("The data set has no passage.")
        for question in self._questions.values():
            for key in question.passages:
                if key not in self._passages:
                    raise line_error(self._lines[question.key], f"there is no passage {key}")
        return DataSet(list(self._questions.values()), self._passages)

    def _add_question(self, line: int, row: Mapping[str, Any]) -> None:
        number = len(self._questions) + 1
        if number > MAX_QUESTIONS:
            raise line_error(line, f"a data set has at most {MAX_QUESTIONS:,} questions")
        key = text_field(line, row, "id", MAX_KEY_LENGTH) if "id" in row else f"q{number}"
        if key in self._questions:
            raise line_error(line, f"there are two questions {key}")
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
            raise line_error(line, "`passages` is a list of ids")
        return tuple(dict.fromkeys(keys))

    def _add_passage(self, line: int, key: str, text: str) -> str:
        if len(self._passages) == MAX_PASSAGES:
            raise line_error(line, f"a data set has at most {MAX_PASSAGES:,} passages")
        self._passages[key] = text
        self._keys.setdefault(text, key)
        return key


def text_field(line: int, row: Mapping[str, Any], name: str, limit: int) -> str:
    """A text of the row that is not blank, trimmed."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise line_error(line, f"`{name}` is a text that is not blank")
    if len(value) > limit:
        raise line_error(line, f"`{name}` is longer than {limit:,} characters")
    if "\0" in value or (not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)):
        raise line_error(line, f"`{name}` has characters that are no text")
    return value.strip()


def line_error(line: int, message: str) -> Invalid:
    return Invalid(f"Line {line} of the data set: {message}.")
