import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from core.errors import DomainError, ErrorCode, Invalid, UnsupportedContent
from pipelines.drawings import binarization, page_words, rendering
from server.demo import drawings


def a_pdf(path: Path, *, count: int = 1, size: tuple[float, float] = (612, 396), text: str = "") -> Path:
    canvas = Canvas(str(path), pagesize=size, invariant=1)
    for _ in range(count):
        canvas.drawString(20, 20, text)
        canvas.showPage()
    canvas.save()
    return path


def write_encrypted_pdf(path: Path) -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption("secret"))
    canvas.drawString(20, 20, "A-101")
    canvas.save()


def write_truncated_pdf(path: Path) -> None:
    content = a_pdf(path, count=40).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def of_objects(*parts: bytes) -> bytes:
    """A PDF of numbered objects, the first of which is its catalog."""
    content, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count, start = len(parts) + 1, len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Root 1 0 R/Size %d>>\n" % (
        count,
        table,
        count,
    )
    return content + b"startxref\n%d\n%%%%EOF\n" % start


def with_stream(path: Path, dictionary: bytes, content: bytes) -> None:
    """A PDF of one page whose instructions are `content`."""
    stream = b"<<%s/Length %d>>\nstream\n%s\nendstream" % (dictionary, len(content), content)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R>>"
    pages_of_one = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    path.write_bytes(of_objects(b"<</Type/Catalog/Pages 2 0 R>>", pages_of_one, page, stream))


def bomb(path: Path) -> None:
    deflater = zlib.compressobj(9)
    content = b"".join(deflater.compress(bytes(2**20)) for _ in range(120)) + deflater.flush()
    with_stream(path, b"/Filter/FlateDecode", content)


def nested_bomb(path: Path) -> None:
    with_stream(path, b"/Filter[/FlateDecode /FlateDecode]", zlib.compress(zlib.compress(bytes(10**6))))


def without_pages(path: Path) -> None:
    path.write_bytes(of_objects(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"))


def png_claiming(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is so large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def noise(path: Path, file_format: str) -> bytes:
    picture = np.random.default_rng(1).integers(0, 255, (300, 400), np.uint8)
    Image.fromarray(picture).save(path, file_format)
    return path.read_bytes()


def half_png(path: Path) -> None:
    content = noise(path, "PNG")
    path.write_bytes(content[: len(content) // 2])


def half_jpeg(path: Path) -> None:
    content = noise(path, "JPEG")
    path.write_bytes(content[: len(content) // 2])


BAD: dict[str, tuple[Callable[[Path], object], type[DomainError], str]] = {
    "an empty file": (lambda path: path.write_bytes(b""), Invalid, "The file is empty."),
    "an encrypted PDF": (
        write_encrypted_pdf,
        UnsupportedContent,
        "The PDF is encrypted. Upload it without a password.",
    ),
    "half a PDF": (
        write_truncated_pdf,
        Invalid,
        "The PDF is incomplete: its end is missing. Upload the whole file again.",
    ),
    "a damaged PDF": (
        lambda path: path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF\n"),
        Invalid,
        "The PDF is damaged, or has no pages.",
    ),
    "a PDF without pages": (without_pages, Invalid, "The PDF is damaged, or has no pages."),
    "5,000 pages": (
        lambda path: a_pdf(path, count=5000),
        UnsupportedContent,
        "The file has 5,000 pages; at most 500 are compared.",
    ),
    "HTML": (
        lambda path: path.write_text("<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>" * 5),
        UnsupportedContent,
        "The file is HTML document; drawings must be PDF, DXF, PNG, JPEG or TIFF.",
    ),
    "a bomb": (bomb, UnsupportedContent, "The PDF contains a stream that decompresses to more than 100 MB."),
    "a nested bomb": (
        nested_bomb,
        UnsupportedContent,
        "The PDF contains data with several layers of compression, which is not supported.",
    ),
    "one pixel": (
        lambda path: Image.new("L", (1, 1)).save(path, "PNG"),
        UnsupportedContent,
        "The image is 1 x 1 pixels; a drawing needs 100 on each side.",
    ),
    "60,000 pixels in a row": (
        lambda path: path.write_bytes(png_claiming(60_000, 200)),
        UnsupportedContent,
        "The image is 60,000 x 200 pixels; a side may have 32,000 at most.",
    ),
    "156 megapixels": (
        lambda path: path.write_bytes(png_claiming(13_000, 12_000)),
        UnsupportedContent,
        "The image has 156 megapixels; at most 150 are compared.",
    ),
    "a billion pixels": (
        lambda path: path.write_bytes(png_claiming(31_000, 31_000)),
        UnsupportedContent,
        "The image has far more pixels than can be compared.",
    ),
    "half a PNG": (half_png, Invalid, "The image is damaged or incomplete."),
    "half a JPEG": (half_jpeg, Invalid, "The image is damaged or incomplete."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    write, refusal, message = BAD[case]
    path = tmp_path / "drawing.pdf"
    write(path)

    with pytest.raises(refusal) as refused:
        rendering.inspect(path)

    assert refused.value.message == message
    assert refused.value.code is refusal.code


def test_a_damaged_page_fails_alone(tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "drawing.pdf", count=2, size=(612, 396))

    with pytest.raises(Invalid) as refused:
        rendering.render(path, 3, tmp_path / "page.png")

    assert refused.value.message == "The file has no page 3."
    assert not (tmp_path / "page.png").exists()


def test_pages_are_counted_and_measured(tmp_path: Path) -> None:
    document = a_pdf(tmp_path / "drawing", count=3, size=(612, 396))
    frames = [Image.new("1", (400 + 10 * n, 300), 1) for n in range(3)]
    frames[0].save(tmp_path / "scan", "TIFF", save_all=True, append_images=frames[1:])

    inventory, scan = rendering.inspect(document), rendering.inspect(tmp_path / "scan")

    assert (inventory.kind, inventory.page_count) == ("pdf", 3)
    assert inventory.pages[2] == rendering.PageSize(612, 396)
    assert (scan.kind, [size.width for size in scan.pages]) == ("tiff", [400, 410, 420])


def test_a_blank_page_is_named_as_such(tmp_path: Path) -> None:
    blank, drawn = a_pdf(tmp_path / "blank.pdf"), a_pdf(tmp_path / "drawn.pdf", text="A-101")

    pages = [
        rendering.render(path, 1, tmp_path / f"{path.stem}.png", dpi=50, use_ocr=False)
        for path in (blank, drawn)
    ]

    assert [page.warnings for page in pages] == [("The page is blank: nothing is drawn on it.",), ()]


def test_a_page_is_drawn_with_words_and_sheet_number(tmp_path: Path) -> None:
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", 11)
    drawings.write([sheet], 0, tmp_path / "plan.pdf")

    page = rendering.render(tmp_path / "plan.pdf", 1, tmp_path / "page.png", dpi=100)

    assert (page.width, page.height, page.dpi, page.reduced) == (1700, 1100, 100, False)
    assert (page.width_points, page.height_points, page.rotation, page.warnings) == (1224, 792, 0, ())
    assert (page.sheet.name, page.sheet.source, page.scale) == ("A-101", "text", "1:100")
    assert binarization.read_greyscale(page.image).shape == (1100, 1700)
    assert max(binarization.read_greyscale(page.thumbnail).shape) == 480
    assert "A-101" in {word.text for word in page_words.load(page.words)}


def test_a_huge_page_is_drawn_smaller_and_says_so(tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "wall.pdf", size=(14_400, 7_200))

    page = rendering.render(path, 1, tmp_path / "page.png", max_pixels=18_000_000, use_ocr=False)

    assert page.reduced
    assert (page.width, page.height, page.dpi) == (6000, 3000, 30)
    assert page.warnings == (
        "The page is so large that it is drawn at 30 dpi: fine details may be missed.",
        "The page is blank: nothing is drawn on it.",
    )
    with pytest.raises(UnsupportedContent) as refused:
        rendering.render(path, 1, tmp_path / "page.png", max_pixels=17_000_000)
    assert refused.value.message == "The page is 200 x 100 inches, too large to draw legibly."


def test_a_page_too_small_for_a_drawing_is_refused(tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "stamp.pdf", size=(600, 3))

    with pytest.raises(UnsupportedContent) as refused:
        rendering.render(path, 1, tmp_path / "page.png")

    assert refused.value.message == "The page is 8.333 x 0.04167 inches, too small for a drawing."


def test_an_image_lies_on_white_and_upright(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 150, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    clear.save(tmp_path / "clear.png", exif=exif, dpi=(200, 200))

    page = rendering.render(tmp_path / "clear.png", 1, tmp_path / "page.png", use_ocr=False)

    picture = binarization.read_greyscale(page.image)
    assert picture.shape == (300, 200)
    assert (picture[10, 100], picture[290, 100]) == (0, 255)
    assert page.dpi == pytest.approx(200, abs=0.1)
    assert page.sheet.name == "Page_001"


def test_colour_is_kept_on_request(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (255, 0, 0)).save(tmp_path / "red.png")

    for colour, expected in ((True, (255, 0, 0)), (False, 76)):
        page = rendering.render(tmp_path / "red.png", 1, tmp_path / "page.png", colour=colour, use_ocr=False)
        assert Image.open(page.image).getpixel((5, 5)) == expected


def test_errors_keep_their_code_across_processes() -> None:
    assert UnsupportedContent.code is ErrorCode.UNSUPPORTED
    assert Invalid.code is ErrorCode.INVALID
