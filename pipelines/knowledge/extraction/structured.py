"""Text extraction from JSON and XML: each value in a line with its path, each record in one line."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.packages import Element, check_document, local_name, xml_parser
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder
from pipelines.knowledge.extraction.text import decoding_warnings, read_file

MAX_JSON_DEPTH = 100
MAX_RECORD_LENGTH = 2_000
"""Characters of a record in one line; the values of longer ones are lines of their own."""


class JsonObject(list[tuple[str, Any]]):
    """The members of an object in order, also those with equal names."""


def read_json(path: Path, limits: Limits) -> Iterator[Page]:
    """A JSON file, or one of JSON lines, as one page. Raises `Invalid` with the place of an error."""
    decoded = read_file(path, limits)
    composer = PageBuilder()
    text = decoded.text.removeprefix("\ufeff")
    try:
        composer.add_lines(_json_file_lines(text))
    except RecursionError as error:
        raise _too_deep() from error
    for warning in decoding_warnings(decoded):
        composer.warn(warning)
    yield composer.page()


def _json_file_lines(text: str) -> Iterator[str]:
    """The values of a JSON file, or of JSON lines."""
    try:
        value = _parse_json(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if error.msg != "Extra data" or len(lines) < 2:
            raise Invalid(f"The file is not valid JSON: line {error.lineno}, {error.msg.lower()}.") from error
        yield from _json_records(lines)
    else:
        yield from json_lines(value, "", 0)


def _json_records(lines: list[str]) -> Iterator[str]:
    """The values of JSON lines."""
    for number, line in enumerate(lines, 1):
        try:
            yield from json_lines(_parse_json(line), f"[{number}]", 0)
        except json.JSONDecodeError as error:
            raise Invalid(f"The file is not valid JSON: line {number}, {error.msg.lower()}.") from error


def _parse_json(text: str) -> Any:
    """The value, with numbers as they are written."""
    return json.loads(text, object_pairs_hook=JsonObject, parse_int=str, parse_float=str, parse_constant=str)


def _too_deep() -> UnsupportedContent:
    return UnsupportedContent(f"The JSON must be nested at most {MAX_JSON_DEPTH} levels deep.")


def json_lines(value: Any, path: str, depth: int) -> Iterator[str]:
    """A line for each value, such as `fees[0].zone: North`; an object of plain values is one line."""
    if depth > MAX_JSON_DEPTH:
        raise _too_deep()
    if isinstance(value, JsonObject):
        record = "; ".join(f"{key}: {_scalar(item)}" for key, item in value if not isinstance(item, list))
        if len(record) <= MAX_RECORD_LENGTH and not any(isinstance(item, list) for _, item in value):
            yield f"{path}: {record}" if path else record
            return
        for key, item in value:
            yield from json_lines(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        if value and not any(isinstance(item, list) for item in value):
            text = ", ".join(map(_scalar, value))
            if len(text) <= MAX_RECORD_LENGTH:
                yield f"{path}: {text}" if path else text
                return
        for index, item in enumerate(value):
            yield from json_lines(item, f"{path}[{index}]", depth + 1)
    else:
        yield f"{path}: {_scalar(value)}" if path else _scalar(value)


def _scalar(value: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else " ".join(str(value).split())


def read_xml(path: Path, limits: Limits) -> Iterator[Page]:
    """An XML file as one page. Raises `Invalid` with the place of an error, and if it declares entities."""
    if path.stat().st_size > 4 * limits.characters:
        raise UnsupportedContent(
            f"The file must have at most {limits.characters:,} characters of text. Upload it in parts."
        )
    try:
        root = etree.fromstring(path.read_bytes(), xml_parser())
    except etree.XMLSyntaxError as error:
        raise Invalid(f"The file is not valid XML: line {error.lineno}.") from error
    try:
        check_document(root)
    except ValueError as error:
        raise UnsupportedContent(f"The XML cannot be read, because {error}.") from error
    composer = PageBuilder()
    composer.add_lines(xml_lines(root, local_name(root)))
    yield composer.page()


def xml_lines(element: Element, path: str) -> Iterator[str]:
    """A line for each text, such as `fees/fee[2]/zone: North`; an element of plain values is one line."""
    children = [child for child in element if local_name(child)]
    own = [(f"@{key.rpartition('}')[2]}", value) for key, value in element.attrib.items()]
    if not children or _is_prose(element, children):
        text = " ".join("".join(element.itertext()).split())
        line = "; ".join([*(f"{name}: {value}" for name, value in own), *([text] if text else [])])
        yield f"{path}: {line}" if line else ""
        return
    if not any(len(child) or child.attrib for child in children):
        values = [(local_name(child), " ".join((child.text or "").split())) for child in children]
        record = "; ".join(f"{name}: {value}" for name, value in [*own, *values] if value)
        if len(record) <= MAX_RECORD_LENGTH:
            yield f"{path}: {record}" if record else ""
            return
    yield from (f"{path}/{name}: {value}" for name, value in own)
    totals, counts = Counter(map(local_name, children)), Counter[str]()
    for child in children:
        name = local_name(child)
        counts[name] += 1
        step = f"{name}[{counts[name]}]" if totals[name] > 1 else name
        yield from xml_lines(child, f"{path}/{step}")


def _is_prose(element: Element, children: list[Element]) -> bool:
    """Whether an element mixes text with elements, as in a sentence with emphasis."""
    texts = [element.text, *(child.tail for child in children)]
    return any(text and text.strip() for text in texts)
