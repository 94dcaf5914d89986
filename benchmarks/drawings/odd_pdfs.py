"""Odd but valid PDFs: structures that viewers open, each with a known number of pages and known words."""

import zlib
from base64 import a85encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pikepdf

from benchmarks.drawings.sections import Limit, console
from core.errors import DomainError
from pipelines.drawings import page_words, rendering

COUNT = 200
MAX_PAGES = 3


@dataclass
class Source:
    """Objects of a PDF by number; the first is its catalog. `pages` are the numbers of the contents."""

    objects: dict[int, bytes]
    contents: list[int]
    random: Random = field(repr=False)

    @property
    def page_count(self) -> int:
        return len(self.contents)


def sheet_name(page: int) -> str:
    return f"A-{100 + page}"


def instructions(page: int, extra: str = "") -> bytes:
    lines = " ".join(f"{40 + 13 * n} 60 m {40 + 13 * n} {400 + n} l S" for n in range(20))
    return f"{extra}\n0.5 w {lines}\nBT /F1 14 Tf 500 30 Td ({sheet_name(page)}) Tj ET\n".encode()


def stream(content: bytes, entries: bytes = b"", *, length: bytes | None = None) -> bytes:
    size = b"%d" % len(content) if length is None else length
    return b"<<%s/Length %s>>\nstream\n%s\nendstream" % (entries, size, content)


def a_source(seed: int) -> Source:
    """A drawing set of a few pages."""
    choice = Random(seed)
    count = choice.randint(1, MAX_PAGES)
    kids = b" ".join(b"%d 0 R" % (10 + 2 * n) for n in range(count))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 470]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
    )
    for n in range(count):
        objects[10 + 2 * n] = page % (11 + 2 * n)
        objects[11 + 2 * n] = stream(instructions(n))
    return Source(objects, [11 + 2 * n for n in range(count)], choice)


def body(
    objects: dict[int, bytes], start: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
) -> tuple[bytes, dict[int, int]]:
    content, places = start, {}
    for number, part in objects.items():
        places[number] = len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    return content, places


def sections(places: dict[int, int], end: bytes = b" \n") -> bytes:
    """The subsections of a cross-reference table."""
    rows = b""
    for number in sorted(places):
        rows += b"%d 1\n%010d 00000 n%s" % (number, places[number], end)
    return rows


def trailer(places: dict[int, int], extra: bytes = b"") -> bytes:
    return b"trailer\n<</Size %d/Root 1 0 R%s>>\n" % (max(places) + 1, extra)


def plain(source: Source, start: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n") -> bytes:
    content, places = body(source.objects, start)
    table = b"xref\n0 1\n0000000000 65535 f \n" + sections(places) + trailer(places)
    return content + table + b"startxref\n%d\n%%%%EOF\n" % len(content)


def by_qpdf(source: Source, **options: object) -> bytes:
    target = BytesIO()
    with pikepdf.open(BytesIO(plain(source))) as pdf:
        pdf.save(target, **options)  # type: ignore[arg-type]
    return target.getvalue()


def long_dictionaries(source: Source) -> bytes:
    """Stream and resource dictionaries of several kilobytes."""
    names = b"".join(b"/Entry%d (%s)" % (n, b"x" * 40) for n in range(source.random.randint(100, 400)))
    for page, number in enumerate(source.contents):
        source.objects[number] = stream(
            zlib.compress(instructions(page)), b"/Filter/FlateDecode/Odd<<%s>>" % names
        )
    return plain(source)


def long_form_dictionaries(source: Source) -> bytes:
    """Forms whose resources make one dictionary longer than 2 kB, between several compressed streams."""
    states = b"".join(b"/G%d<</ca .%d/Note(/FlateDecode /FlateDecode)>>" % (n, 1 + n % 9) for n in range(120))
    for page, number in enumerate(source.contents):
        form = 50 + page
        source.objects[form] = stream(
            zlib.compress(instructions(page)),
            b"/Type/XObject/Subtype/Form/BBox[0 0 612 470]/Filter/FlateDecode"
            b"/Resources<</Font<</F1 3 0 R>>/ExtGState<<%s>>>>" % states,
        )
        page_number = number - 1
        source.objects[page_number] = source.objects[page_number].replace(
            b"/Font<</F1 3 0 R>>", b"/XObject<</X %d 0 R>>" % form
        )
        source.objects[number] = stream(b"/X Do")
    return plain(source)


def words_of_syntax(source: Source) -> bytes:
    """`stream`, `endstream`, `endobj` and `obj` inside data."""
    noise = source.random.choice(
        ["% stream\n% 7 0 obj stream endstream\n", "%%EOF\n", "(stream\n) pop\n", "% endobj\n% 99 0 obj\n"]
    ).replace("(stream\n) pop\n", "BX (stream) Tz0 EX\n")
    for page, number in enumerate(source.contents):
        source.objects[number] = stream(instructions(page, noise))
    return plain(source)


def trailing_data(source: Source) -> bytes:
    """Bytes after the end of the file."""
    tails = (
        bytes(source.random.randint(1, 200_000)),
        b"\r\n" * 3000,
        b"<html><body>stream</body></html>" * 100,
        source.random.randbytes(70_000),
    )
    return plain(source) + source.random.choice(tails)


def leading_data(source: Source) -> bytes:
    """Bytes before the header, which the offsets do not count."""
    return b"\x00junk of a mail gateway\r\n" * source.random.randint(1, 20) + plain(source)


def object_streams(source: Source) -> bytes:
    return by_qpdf(source, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linear_file(source: Source) -> bytes:
    return by_qpdf(
        source, linearize=True, object_stream_mode=source.random.choice(list(pikepdf.ObjectStreamMode))
    )


def incremental(source: Source) -> bytes:
    """Revisions that replace the contents of the pages, the last of which counts."""
    names = [instructions(page) for page in range(source.page_count)]
    for number in source.contents:
        source.objects[number] = stream(b"BT /F1 20 Tf 100 200 Td (SUPERSEDED) Tj ET")
    content = plain(source)
    for _ in range(source.random.randint(1, 4)):
        previous = content.rindex(b"startxref\n")
        start = int(content[previous + 10 :].split()[0])
        places = {}
        for page, number in enumerate(source.contents):
            places[number] = len(content)
            content += b"%d 0 obj\n%s\nendobj\n" % (number, stream(names[page]))
        table = b"xref\n" + sections(places)
        size = max(source.objects) + 1
        table += b"trailer\n<</Size %d/Root 1 0 R/Prev %d>>\n" % (size, start)
        content = content + table + b"startxref\n%d\n%%%%EOF\n" % len(content)
    return content


def hybrid(source: Source) -> bytes:
    """A table for old readers, and a stream with the objects that they do not see."""
    inner = {number: source.objects.pop(number) for number in (2, 3)}
    parts, index, offset = b"", b"", 0
    for number, part in inner.items():
        index += b"%d %d " % (number, offset)
        parts += part + b" "
        offset += len(part) + 1
    source.objects[40] = stream(
        zlib.compress(index + parts),
        b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(inner), len(index)),
    )
    content, places = body(source.objects)
    rows = b"".join(b"\x02" + (40).to_bytes(4, "big") + bytes((n,)) for n in range(len(inner)))
    xref_stream = len(content)
    content += b"41 0 obj\n%s\nendobj\n" % stream(
        zlib.compress(rows), b"/Type/XRef/Size 42/W[1 4 1]/Index[2 2]/Root 1 0 R/Filter/FlateDecode"
    )
    table = b"xref\n0 1\n0000000000 65535 f \n2 2\n" + b"0000000000 00000 f \n" * 2 + sections(places)
    table += trailer(places | {41: 0}, b"/XRefStm %d" % xref_stream)
    return content + table + b"startxref\n%d\n%%%%EOF\n" % len(content)


def missing_xref(source: Source) -> bytes:
    """No cross-reference table, or one that is not where it should be."""
    whole = plain(source)
    table, end = whole.index(b"xref\n0 1"), whole.rindex(b"startxref")
    start = whole.index(b"trailer")
    return source.random.choice(
        (
            whole[:table] + whole[start:],
            whole[:table] + whole[start:end] + b"startxref\n0\n%%EOF\n",
            whole[:table] + whole[start:end],
            whole[:end] + b"startxref\n99999999\n%%EOF",
            whole[:table] + b"% a comment moves everything\n" + whole[table:],
            whole[:table],
        )
    )


def damaged_xref(source: Source) -> bytes:
    """Offsets that are some bytes off."""
    content, places = body(source.objects)
    shifted = {number: place + source.random.randint(1, 9) for number, place in places.items()}
    table = b"xref\n0 1\n0000000000 65535 f \n" + sections(shifted) + trailer(places)
    return content + table + b"startxref\n%d\n%%%%EOF\n" % len(content)


def filters(source: Source) -> bytes:
    """Filters in a row, predictors and abbreviations."""
    for page, number in enumerate(source.contents):
        plain_text = instructions(page)
        packed = zlib.compress(plain_text)
        rows = b"".join(b"\x00" + plain_text[n : n + 8].ljust(8) for n in range(0, len(plain_text), 8))
        source.objects[number] = source.random.choice(
            (
                stream(a85encode(packed) + b"~>", b"/Filter[/ASCII85Decode/FlateDecode]"),
                stream(packed.hex().encode() + b">", b"/Filter[/ASCIIHexDecode /FlateDecode]"),
                stream(zlib.compress(packed), b"/Filter[/FlateDecode /FlateDecode]"),
                stream(packed, b"/Filter[/FlateDecode]/DecodeParms[null]"),
                stream(zlib.compress(rows), b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns 8>>"),
            )
        )
    return plain(source)


def lengths(source: Source) -> bytes:
    """Lengths of streams that stand elsewhere, or are wrong."""
    for page, number in enumerate(source.contents):
        content = instructions(page)
        length = source.random.choice((b"%d 0 R" % (60 + page), b"3", b"0"))
        source.objects[number] = stream(content, length=length)
        source.objects[60 + page] = b"%d" % len(content)
    return plain(source)


def page_trees(source: Source) -> bytes:
    """Nested page trees that pass on boxes and resources."""
    kids = [number - 1 for number in source.contents]
    source.objects[2] = b"<</Type/Pages/Kids[30 0 R]/Count %d/MediaBox[0 0 612 470]>>" % len(kids)
    for level in range(30, 34):
        source.objects[level] = b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count %d>>" % (
            2 if level == 30 else level - 1,
            level + 1,
            len(kids),
        )
    source.objects[34] = (
        b"<</Type/Pages/Parent 33 0 R/Kids[%s]/Count %d/Resources<</Font<</F1 3 0 R>>>>>>"
        % (b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    )
    for kid in kids:
        source.objects[kid] = b"<</Type/Page/Parent 34 0 R/Contents[%d 0 R]>>" % (kid + 1)
    return plain(source)


def white_space(source: Source) -> bytes:
    """Comments and line ends wherever they may be."""
    end = source.random.choice((b"\r", b"\r\n", b"\n"))
    objects = {
        number: part if b"stream" in part else part.replace(b"/", b"% a comment" + end + b" /")
        for number, part in source.objects.items()
    }
    return plain(
        Source(objects, source.contents, source.random),
        b"%PDF-1." + source.random.choice((b"0\n", b"9\n", b"4\n")),
    )


def empty_password(source: Source) -> bytes:
    old = pikepdf.Encryption(owner="owner", user="", R=4)
    new = pikepdf.Encryption(owner="owner", user="", R=6)
    return by_qpdf(source, encryption=source.random.choice((old, new)))


def split_contents(source: Source) -> bytes:
    """Contents in many streams, which end between instructions."""
    for page, number in enumerate(source.contents):
        lines = instructions(page).split(b" S")
        numbers = range(100 + 40 * page, 100 + 40 * page + len(lines))
        for part, line in zip(numbers, lines, strict=True):
            source.objects[part] = stream(line + (b" S" if part != numbers[-1] else b""))
        references = b" ".join(b"%d 0 R" % part for part in numbers)
        source.objects[number] = b"[%s]" % references
    return plain(source)


def strokes_source(count: int) -> Source:
    """A page of short strokes, each thousand of which is drawn through a soft mask."""
    source = a_source(0)
    choice = source.random
    mask = b"/Type/XObject/Subtype/Form/BBox[0 0 612 470]/Group<</S/Transparency/CS/DeviceGray>>"
    source.objects[200] = stream(b"0.5 g 0 0 612 470 re f", mask)
    states = b"/ExtGState<</G<</SMask<</S/Luminosity/G 200 0 R>>>>>>"
    group = b"/Type/XObject/Subtype/Form/BBox[0 0 612 470]/Group<</S/Transparency>>"
    names = []
    for number in range(300, 300 + count // 1000):
        ends = [(choice.uniform(0, 600), choice.uniform(0, 460)) for _ in range(1000)]
        lines = "\n".join(f"{x:.1f} {y:.1f} m {x + 5:.1f} {y + 4:.1f} l S" for x, y in ends)
        source.objects[number] = stream(zlib.compress(lines.encode()), group + b"/Filter/FlateDecode")
        names.append(number)
    forms = b" ".join(b"/X%d %d 0 R" % (number, number) for number in names)
    page, content = source.contents[0] - 1, source.contents[0]
    source.objects[page] = source.objects[page].replace(
        b"/Resources<<", b"/Resources<<%s/XObject<<%s>>" % (states, forms)
    )
    drawn = b" ".join(b"/X%d Do" % number for number in names)
    source.objects[content] = stream(b"q /G gs 0.3 w " + drawn + b" Q\n" + instructions(0))
    return source


ODDITIES: dict[str, Callable[[Source], bytes]] = {
    made.__name__: made
    for made in (
        long_dictionaries,
        long_form_dictionaries,
        words_of_syntax,
        trailing_data,
        leading_data,
        object_streams,
        linear_file,
        incremental,
        hybrid,
        missing_xref,
        damaged_xref,
        filters,
        lengths,
        page_trees,
        white_space,
        empty_password,
        split_contents,
    )
}


def failure(name: str, seed: int, folder: Path) -> str | None:
    """What is wrong with the pages that are read from an odd file; nothing if they are right."""
    source = a_source(seed)
    path = folder / f"{name}-{seed}.pdf"
    path.write_bytes(ODDITIES[name](source))
    try:
        document = rendering.inspect(path)
        if document.page_count != source.page_count:
            return f"{document.page_count} pages instead of {source.page_count}"
        for page in range(source.page_count):
            drawn = rendering.render(
                document.prepared, page + 1, folder / "page.png", dpi=60, use_ocr=False, is_prepared=True
            )
            words = [word.text for word in page_words.load(drawn.words)]
            if words != [sheet_name(page)]:
                return f"page {page + 1} reads {' '.join(words)}"
    except DomainError as refused:
        return refused.message
    return None


def odd_pdfs(data: Path, folder: Path) -> Iterator[Limit]:
    """Odd but valid files: all open, with all pages and the words of their last revision."""
    names = list(ODDITIES)
    jobs = [(names[seed % len(names)], seed) for seed in range(COUNT)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        failures = list(pool.map(failure, *zip(*jobs, strict=True), [folder] * COUNT))
    wrong = [(*job, reason) for job, reason in zip(jobs, failures, strict=True) if reason]
    report(wrong)
    opened = COUNT - len(wrong)
    yield Limit(f"odd but valid PDFs that open, of {COUNT}", f"{COUNT}", f"{opened}", opened == COUNT)


def report(wrong: Sequence[tuple[str, int, str]]) -> None:
    for name, seed, reason in wrong:
        console.print(f"{name} (seed {seed}): {reason}")
