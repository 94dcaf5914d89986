"""What of a PDF is opened, drawn and read: what a viewer shows, and nothing else."""

import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from benchmarks.drawings import odd_pdfs
from core.errors import Invalid, UnsupportedContent
from pipelines.drawings import binarization, page_words, pdf_files, rendering

CASES = Path(__file__).parents[3] / "shared/cases/drawings"


def read(path: Path, folder: Path, dpi: float = 72) -> list[page_words.Word]:
    page = rendering.render(path, 1, folder / "page.png", dpi=dpi, use_ocr=False)
    return page_words.load(page.words)


def texts(path: Path, folder: Path) -> list[str]:
    return [word.text for word in read(path, folder)]


@pytest.mark.parametrize("name", odd_pdfs.ODDITIES)
def test_an_odd_but_valid_file_opens(tmp_path: Path, name: str) -> None:
    assert odd_pdfs.failure(name, 5, tmp_path) is None


@pytest.mark.parametrize("seed", [*range(6), 162])
def test_a_file_without_its_cross_references_opens(tmp_path: Path, seed: int) -> None:
    assert odd_pdfs.failure("missing_xref", seed, tmp_path) is None


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
@pytest.mark.parametrize("name", ["longdict", "cropbox"])
def test_the_cases_show_one_page(tmp_path: Path, name: str) -> None:
    assert rendering.inspect(CASES / f"{name}.pdf", copy=tmp_path / "copy.pdf").page_count == 1


def test_a_valid_file_is_drawn_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(odd_pdfs.plain(odd_pdfs.a_source(0)))

    assert rendering.inspect(path).prepared == path
    assert not (tmp_path / "a_copy.pdf").exists()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_incomplete(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.pdf"
    whole = odd_pdfs.plain(odd_pdfs.a_source(1))
    last_object = whole.index(b"xref\n0 1")
    path.write_bytes(whole[: int(last_object * share)])

    with pytest.raises(Invalid, match="incomplete: its end is missing"):
        rendering.inspect(path)


def test_a_linearized_file_that_is_cut_off_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    whole = odd_pdfs.linear_file(odd_pdfs.a_source(1))
    path.write_bytes(whole[:-200] + b"%%EOF")

    with pytest.raises(Invalid, match="incomplete: its end is missing"):
        rendering.inspect(path)


def test_a_file_with_an_empty_password_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path), encrypt=StandardEncryption("", ownerPassword="owner"))
    canvas.drawString(20, 20, "A-101")
    canvas.save()

    assert texts(path, tmp_path) == ["A-101"]


def with_contents(path: Path, content: bytes, entries: bytes) -> Path:
    source = odd_pdfs.a_source(0)
    source.objects[source.contents[0]] = odd_pdfs.stream(content, entries)
    path.write_bytes(odd_pdfs.plain(source))
    return path


def deflate(size: int) -> bytes:
    deflater = zlib.compressobj(9)
    return b"".join(deflater.compress(bytes(2**20)) for _ in range(size >> 20)) + deflater.flush()


@pytest.mark.parametrize(
    ("content", "filters", "reason"),
    [
        (deflate(101 << 20), b"/FlateDecode", "decompresses to more than 100 MB"),
        (zlib.compress(deflate(64 << 20)), b"[/FlateDecode/FlateDecode]", "several layers of compression"),
    ],
    ids=["one layer", "two layers"],
)
def test_what_decodes_to_too_much_is_refused(
    tmp_path: Path, content: bytes, filters: bytes, reason: str
) -> None:
    path = with_contents(tmp_path / "a.pdf", content, b"/Filter" + filters)

    with pytest.raises(UnsupportedContent, match=reason):
        rendering.inspect(path)


def test_what_decodes_to_little_is_read_however_its_dictionary_looks(tmp_path: Path) -> None:
    note = b"/Filter/FlateDecode/Note(/Filter/FlateDecode/FlateDecode /Image)"

    path = with_contents(tmp_path / "a.pdf", deflate(99 << 20), note)

    assert pdf_files.prepare(path, tmp_path / "copy.pdf") == path


def draw_pdf(path: Path, draw: Callable[[Canvas], object]) -> Path:
    canvas = Canvas(str(path), pagesize=(400, 300), pageCompression=0, invariant=1)
    draw(canvas)
    canvas.save()
    return path


def test_words_outside_the_crop_box_are_no_words(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 100, "INSIDE")
        canvas.drawString(10, 280, "OUTSIDE")
        canvas.setCropBox((50, 50, 350, 250))

    (word,) = read(draw_pdf(tmp_path / "a.pdf", draw), tmp_path)

    assert (word.text, round(word.x), round(word.y + word.height)) == ("INSIDE", 51, 150)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_page_is_cropped_as_it_is_shown(tmp_path: Path, rotation: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 100, "INSIDE")
        canvas.drawString(10, 280, "OUTSIDE")
        canvas.setCropBox((50, 50, 350, 250))
        canvas.setPageRotation(rotation)

    (word,) = read(draw_pdf(tmp_path / "a.pdf", draw), tmp_path)

    assert (word.text, word.angle) == ("INSIDE", rotation)


def test_words_that_nobody_sees_are_no_words(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 100, "VISIBLE")
        canvas.drawString(100, 130, "INVISIBLE", mode=3)
        canvas.setFillGray(1)
        canvas.drawString(100, 160, "WHITE")
        canvas.setFillGray(0)
        canvas.drawString(100, 190, "COVERED")
        canvas.setFillGray(0.8)
        canvas.rect(90, 180, 120, 30, fill=1, stroke=0)

    assert texts(draw_pdf(tmp_path / "a.pdf", draw), tmp_path) == ["VISIBLE"]


def test_the_text_of_a_recognized_scan_is_optical(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        scan = Image.effect_noise((400, 300), 60)
        canvas.drawImage(ImageReader(scan), 0, 0, 400, 300)
        canvas.drawString(100, 130, "RECOGNIZED", mode=3)

    (word,) = read(draw_pdf(tmp_path / "a.pdf", draw), tmp_path)

    assert (word.text, word.optical) == ("RECOGNIZED", True)


FONT = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)


def text_at(y: int, text: str) -> bytes:
    return b"BT /F1 12 Tf 50 %d Td (%s) Tj ET " % (y, text.encode())


def form(pdf: Pdf, content: bytes, **entries: object) -> pikepdf.Stream:
    resources = Dictionary(Font=Dictionary(F1=FONT))
    box = Array([0, 0, 400, 300])
    return pdf.make_stream(
        content, Type=Name.XObject, Subtype=Name.Form, BBox=box, Resources=resources, **entries
    )


def layered_pdf(path: Path, config: Callable[[pikepdf.Object, pikepdf.Object], Dictionary]) -> Path:
    """Texts on two layers, directly, in forms, in a membership, and in an annotation."""
    pdf = pikepdf.new()
    shown, hidden = (
        pdf.make_indirect(Dictionary(Type=Name.OCG, Name=name)) for name in ("same name", "same name")
    )
    pdf.Root.OCProperties = Dictionary(OCGs=[shown, hidden], D=config(shown, hidden))
    member = pdf.make_indirect(Dictionary(Type=Name.OCMD, OCGs=[shown, hidden], P=Name.AllOn))
    resources = Dictionary(
        Font=Dictionary(F1=FONT),
        Properties=Dictionary(S=shown, H=hidden, M=member),
        XObject=Dictionary(F1=form(pdf, text_at(140, "FORM")), F2=form(pdf, text_at(160, "OWN"), OC=hidden)),
    )
    content = text_at(20, "BASE")
    content += b"/OC /S BDC " + text_at(40, "SHOWN") + b"EMC /OC /H BDC " + text_at(60, "HIDDEN")
    content += b"/F1 Do EMC /F2 Do /OC /M BDC " + text_at(80, "MEMBER") + b"EMC"
    note = Dictionary(
        Type=Name.Annot,
        Subtype=Name.FreeText,
        Rect=[50, 200, 200, 230],
        Contents="NOTE",
        F=4,
        OC=hidden,
        AP=Dictionary(N=form(pdf, text_at(10, "NOTE"))),
    )
    note.AP.N.BBox = Array([50, 0, 200, 30])
    page = Dictionary(
        Type=Name.Page,
        MediaBox=[0, 0, 400, 300],
        Resources=resources,
        Contents=pdf.make_stream(content),
        Annots=[pdf.make_indirect(note)],
    )
    pdf.pages.append(pikepdf.Page(page))
    pdf.save(path)
    return path


@pytest.mark.parametrize(
    "config",
    [
        lambda shown, hidden: Dictionary(OFF=[hidden]),
        lambda shown, hidden: Dictionary(BaseState=Name.OFF, ON=[shown]),
    ],
    ids=["switched off", "not switched on"],
)
def test_what_is_on_a_hidden_layer_is_neither_drawn_nor_read(
    tmp_path: Path, config: Callable[[pikepdf.Object, pikepdf.Object], Dictionary]
) -> None:
    path = layered_pdf(tmp_path / "a.pdf", config)

    document = rendering.inspect(path)
    page = rendering.render(document.prepared, 1, tmp_path / "page.png", dpi=72, is_prepared=True)

    assert [word.text for word in page_words.load(page.words)] == ["BASE", "SHOWN"]
    assert binarization.read_greyscale(page.image)[: 300 - 55].min() == 255


def test_layers_that_are_shown_are_read(tmp_path: Path) -> None:
    path = layered_pdf(tmp_path / "a.pdf", lambda shown, hidden: Dictionary(ON=[shown, hidden]))

    document = rendering.inspect(path)

    assert document.prepared == path
    assert set(texts(path, tmp_path)) == {"BASE", "SHOWN", "HIDDEN", "FORM", "OWN", "MEMBER", "NOTE"}


def test_the_texts_of_annotations_are_words(tmp_path: Path) -> None:
    path = draw_pdf(tmp_path / "a.pdf", lambda canvas: canvas.drawString(50, 50, "SHEET"))
    with Pdf.open(path, allow_overwriting_input=True) as pdf:
        cloud = Dictionary(Subtype=Name.FreeText, Rect=[100, 100, 200, 120], Contents="MOVED", F=4)
        cloud.AP = Dictionary(N=form(pdf, b"BT /F1 12 Tf 100 104 Td (MOVED) Tj ET"))
        cloud.AP.N.BBox = Array([100, 100, 200, 120])
        pdf.pages[0].Annots = [pdf.make_indirect(cloud)]
        pdf.save()

    words = {word.text: word for word in read(path, tmp_path)}

    assert set(words) == {"SHEET", "MOVED"}
    assert (words["MOVED"].x, words["MOVED"].y) == pytest.approx((101, 188), abs=3)


def test_reading_a_page_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    path = layered_pdf(tmp_path / "a.pdf", lambda shown, hidden: Dictionary(OFF=[hidden]))
    before = path.read_bytes()

    texts(path, tmp_path)

    assert path.read_bytes() == before
    assert len(pypdfium2.PdfDocument(path)) == 1
