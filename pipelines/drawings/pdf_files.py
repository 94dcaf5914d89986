"""PDF files: what is wrong with one, and a copy that PDFium draws as viewers do, where it is needed.

PDFium reads and repairs most files by itself. qpdf (pikepdf) judges the objects of a file: how much its
streams decode to, and which layers are hidden. What PDFium cannot open, qpdf repairs in the copy.
"""

import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pikepdf
import pypdfium2
from pypdfium2 import raw

from core.errors import Invalid, UnsupportedContent
from pipelines.drawings import pdf_layers

MAX_DEFLATE_RATIO = 1032
"""Maximum compression ratio of Deflate."""

MAX_CONTENT_BYTES = 100 * 2**20
"""Maximum decoded size of a content stream; real ones are at most a tenth of it."""

MAX_IMAGE_BYTES = 450 * 2**20
"""Maximum decoded size of an image: 150 megapixels in three colours."""

CHUNK_BYTES = 1 << 20

FLATE_FILTERS = frozenset(("/FlateDecode", "/Fl"))

OBJECT_START = re.compile(rb"(?:^|\s)\d{1,10}\s+\d{1,5}\s+obj\b")
OBJECT_END = re.compile(rb"endobj|startxref|%%EOF|trailer")
LINEARIZED = re.compile(rb"/Linearized\b.{0,400}?/L\s+(\d+)", re.DOTALL)
TAIL_BYTES = 1 << 20

INCOMPLETE = "The PDF is incomplete: its end is missing. Upload the whole file again."
DAMAGED = "The PDF is damaged, or has no pages."
ENCRYPTED = "The PDF is encrypted. Upload it without a password."


def prepare(path: Path, copy: Path) -> Path:
    """The file to draw instead of a PDF: itself, or a copy that is written to `copy`.

    The copy is repaired where PDFium cannot repair the file, and marks what is on hidden layers. Raises
    `Invalid` for a truncated or damaged PDF, `UnsupportedContent` for an encrypted one or a bomb.
    """
    require_complete(path)
    try:
        with pikepdf.open(with_end(path, copy)) as pdf:
            if pdf.get_warnings():
                require_all_pages(pdf)
            require_bounded(pdf)
            if pdf_layers.mark_hidden(pdf) or count_pages(path) < len(pdf.pages):
                pdf.save(copy)
                return copy
    except pikepdf.PasswordError as error:
        raise UnsupportedContent(ENCRYPTED) from error
    except (pikepdf.PdfError, ValueError, RecursionError):
        return path  # PDFium judges what qpdf cannot read
    return path


def with_end(path: Path, copy: Path) -> Path:
    """The file, or a copy that goes on after its last object: qpdf loses an object at the very end."""
    with path.open("rb") as file:
        file.seek(-min(64, path.stat().st_size), 2)
        if not file.read().rstrip().endswith(b"endobj"):
            return path
    ended = copy.with_suffix(".ended")
    shutil.copyfile(path, ended)
    with ended.open("ab") as file:
        file.write(b"\nstartxref\n0\n%%EOF\n")
    return ended


def require_complete(path: Path) -> None:
    """Raises `Invalid` if the file ends inside an object, or before the length that it states."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2048)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
    stated = LINEARIZED.search(head)
    if stated and size < int(stated[1]):
        raise Invalid(INCOMPLETE)
    starts = [match.end() for match in OBJECT_START.finditer(tail)]
    last = starts[-1] if starts else 0
    if not OBJECT_END.search(tail, last):
        raise Invalid(INCOMPLETE)


def require_all_pages(pdf: pikepdf.Pdf) -> None:
    """Raises `Invalid` if pages that the file counts are missing."""
    root = pdf.Root.get("/Pages")
    counted: object = root.get("/Count") if isinstance(root, pikepdf.Dictionary) else None
    if isinstance(counted, int) and counted > len(pdf.pages):
        raise Invalid(INCOMPLETE)


def count_pages(path: Path) -> int:
    """Number of pages that PDFium finds; 0 if it cannot open the file."""
    with suppress(Invalid, UnsupportedContent), open_pdf(path) as document:
        return len(document)
    return 0


@contextmanager
def open_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Opens a PDF, encrypted ones with the empty password. Raises `UnsupportedContent` or `Invalid`."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        if locked and is_encrypted(path):  # the error code may be of an earlier file
            raise UnsupportedContent(ENCRYPTED) from error
        raise Invalid(DAMAGED) from error
    with closing(document):
        yield document


def is_encrypted(path: Path) -> bool:
    """Whether a PDF cannot be read without a password."""
    try:
        pikepdf.open(path).close()
    except pikepdf.PasswordError:
        return True
    except pikepdf.PdfError:
        return False
    return False


def require_bounded(pdf: pikepdf.Pdf) -> None:
    """Raises `UnsupportedContent` for a stream that decodes to more than a drawing needs."""
    for stream in pdf.objects:
        if not isinstance(stream, pikepdf.Stream) or stream.get("/Type") == "/EmbeddedFile":
            continue
        filters = stream_filters(stream)
        layers = sum(name in FLATE_FILTERS for name in filters)
        limit = MAX_IMAGE_BYTES if stream.get("/Subtype") == "/Image" else MAX_CONTENT_BYTES
        if not layers:
            continue
        content = stream.read_raw_bytes()
        if layers == 1 and len(content) * MAX_DEFLATE_RATIO <= limit:
            continue
        size = decoded_size(content, filters, limit)
        if layers > 1 and size > len(content) * MAX_DEFLATE_RATIO:
            raise UnsupportedContent(
                "The PDF contains data with several layers of compression, which is not supported."
            )
        if size > limit:
            raise UnsupportedContent(
                f"The PDF contains a stream that decompresses to more than {limit >> 20} MB."
            )


def stream_filters(stream: pikepdf.Stream) -> list[str]:
    """The filters of a stream, outermost first."""
    filters = stream.get("/Filter")
    if isinstance(filters, pikepdf.Array):
        return [str(name) for name in filters]
    return [] if filters is None else [str(filters)]


def decoded_size(content: bytes, filters: Iterable[str], limit: int) -> int:
    """Bytes after the leading Flate filters, counted up to just above `limit`; decodes in chunks."""
    chunks: Iterator[bytes] = iter((content,))
    for name in filters:
        if name not in FLATE_FILTERS:
            break
        chunks = inflate(chunks)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            break
    return size


def inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Deflated data in chunks of bounded size, up to the first error in it."""
    decompressor = zlib.decompressobj()
    for chunk in chunks:
        rest = chunk
        while rest and not decompressor.eof:
            try:
                decoded = decompressor.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                return
            yield decoded
            rest = decompressor.unconsumed_tail
