"""ZIP packages of documents and their XML parts, read within limits."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError  # noqa: N812 # an exception

import python_calamine
from lxml import etree
from pptx.exc import PackageNotFoundError

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits

COMPOUND_FILE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The signature of legacy Office files and of password-protected ones."""
MAX_ARCHIVE_ENTRIES = 20_000
MAX_XML_DEPTH = 200
"""Nesting depth of elements."""

Element = Any
"""An lxml element, which is not typed."""


@contextmanager
def open_package(path: Path, limits: Limits, file_kind: str) -> Iterator["Package"]:
    """Open an archive. Raises `UnsupportedContent` or `Invalid`, also for errors while it is open.

    Refused are encrypted and damaged archives, and decompression bombs. Messages name the `file_kind`.
    """
    with path.open("rb") as file:
        if file.read(8) == COMPOUND_FILE_SIGNATURE:
            raise UnsupportedContent(
                f"The {file_kind} is password-protected or in a legacy format. Save it without a password."
            )
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise UnsupportedContent(
                    f"The {file_kind} is password-protected. Save it without a password."
                )
            if (
                len(parts) > MAX_ARCHIVE_ENTRIES
                or sum(part.file_size for part in parts) > limits.unpacked_bytes
            ):
                raise UnsupportedContent(
                    f"The {file_kind} unpacks to more than {limits.unpacked_bytes >> 20} MB."
                )
            yield Package(archive)
    except (
        *(BadZipFile, ZlibError, PackageNotFoundError, etree.LxmlError, KeyError, ValueError, IndexError),
        *(AttributeError, EOFError, OSError, NotImplementedError, RecursionError),
        python_calamine.CalamineError,
    ) as error:
        raise Invalid(f"The {file_kind} is damaged and can't be read.") from error


class Package:
    """The parts of an open archive."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """The bytes of a part. Raises `KeyError` if it does not exist."""
        return self._archive.read(name)

    def open(self, name: str) -> IO[bytes]:
        """A part as a stream. Raises `KeyError` if it does not exist."""
        return self._archive.open(name)

    def xml(self, name: str) -> Element:
        """The root element of a part. Raises `KeyError` if it does not exist."""
        return parse_xml(self.read(name))

    def related(self, name: str, kind: str) -> dict[str, str]:
        """Names of the parts that a part refers to, by relationship id; `kind` ends the relation's type."""
        folder, file = posixpath.split(name)
        relationships = posixpath.join(folder, "_rels", f"{file}.rels")
        if relationships not in self.names:
            return {}
        targets = {
            relation.get("Id", ""): posixpath.normpath(
                posixpath.join(folder, unquote(relation.get("Target", "")))
            )
            for relation in self.xml(relationships)
            if relation.get("Type", "").endswith(f"/{kind}") and relation.get("TargetMode") != "External"
        }
        absolute = {id: target.lstrip("/") for id, target in targets.items()}
        return {id: target for id, target in absolute.items() if target in self.names}


def parse_xml(content: bytes) -> Element:
    """The root element. Raises `ValueError` if it declares entities or is nested too deeply."""
    root = etree.fromstring(content, xml_parser())
    check_document(root)
    return root


def xml_parser(**options: Any) -> etree.XMLParser:
    """A parser that expands no entities and loads nothing."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        **options,
    )


def check_document(root: Element) -> None:
    """Raises `ValueError` if the document declares entities or is nested too deeply."""
    declarations = root.getroottree().docinfo.internalDTD
    if declarations is not None and any(True for _ in declarations.iterentities()):
        raise ValueError("the document declares entities")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_XML_DEPTH:
            raise ValueError("the document is nested too deeply")


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for other nodes."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """The value of an attribute in any namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def child(element: Element, *path: str) -> Element | None:
    """The first descendant at a path of names without namespaces."""
    for name in path:
        element = next((inner for inner in element if local_name(inner) == name), None)
        if element is None:
            return None
    return element
