"""Web pages are read as a reader sees them."""

from pathlib import Path

import pytest

from pipelines.knowledge.extraction import ExtractedText, extract
from tests.knowledge.test_word import CASES


def read(folder: Path, content: str | bytes) -> ExtractedText:
    path = folder / "page.html"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return extract(path, "text/html")


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are kept apart")
def test_the_case_of_noise_is_read_without_it() -> None:
    found = extract(CASES / "noise.html", "text/html")

    assert found.text == (
        "Site header HEADERWORD\n\nParking permit fees\n\nA resident permit costs 31.50 euros per year.\n\n"
        "Zone | Fee\nZone: North; Fee: 31.50\nZone: Harbour; Fee: 74.00\n\nALTTEXT diagram\n\n"
        "Hyphenation soft, nbsp; caf\u00e9.\n\nMore\n\nDETAILWORD\n\nRelated ASIDEWORD\n\nImprint FOOTERWORD"
    )


@pytest.mark.parametrize(
    "part",
    [
        "<p hidden>NO</p>",
        '<p aria-hidden="true">NO</p>',
        '<p style="color: red; DISPLAY : none">NO</p>',
        "<p style='visibility:hidden'>NO</p>",
        "<p class='a gone'>NO</p>",
        "<p id=off>NO</p>",
        "<small>NO</small>",
        "<p class='x y'>NO</p>",
        "<dialog>NO</dialog>",
        "<div class=cookie-banner>We use cookies. NO</div>",
        "<div id=onetrust-consent-sdk>Your privacy. NO</div>",
        "<section aria-label='Cookie notice'>This site uses cookies. NO</section>",
        "<nav>NO</nav>",
        "<div role=navigation>NO</div>",
        "<ul role=menubar><li>NO</li></ul>",
        "<template>NO</template>",
    ],
)
def test_what_no_reader_sees_is_left_out(tmp_path: Path, part: str) -> None:
    css = ".gone, #off { display: none } small{visibility:hidden} .x.y{display:none}"
    found = read(tmp_path, f"<head><style>{css}</style></head><body><p>Before.</p>{part}after.<p>End.</p>")

    assert " ".join(found.text.split()) == "Before. after. End."


@pytest.mark.parametrize(
    "part",
    [
        "<p hidden=until-found>YES</p>",
        "<p class=print>YES</p>",
        "<p class='gone back'>YES</p>",
        "<p class=gone style='display:block'>YES</p>",
        "<p class=x>YES</p>",
        "<div class=consent-form>I agree to the operation. YES</div>",
        "<article class=cookie-notice><h1>How we bake cookies</h1>YES</article>",
        "<details><summary>More</summary>YES</details>",
        "<dialog open>YES</dialog>",
        "<img alt=YES src=x>",
    ],
)
def test_what_a_reader_sees_is_kept(tmp_path: Path, part: str) -> None:
    css = (
        "@media print {.print{display:none}} .gone{display:none} .gone.back{display:block} .x.y{display:none}"
    )
    found = read(tmp_path, f"<head><style>body{{visibility:hidden}}{css}</style></head><body>{part}</body>")

    assert "YES" in found.text


def test_tables_keep_headers_over_merged_cells(tmp_path: Path) -> None:
    table = (
        "<table><caption>Fees</caption><thead><tr><th rowspan=2>Zone<th colspan=2>Fee</tr>"
        "<tr><th>Day<th>Year</tr></thead>"
        "<tr><td rowspan=2>North<td>2.00<td>31.50</tr><tr><td>3.00<td>74.00</tr></table>"
    )

    assert read(tmp_path, table).text.splitlines() == [
        "Fees",
        "",
        "Zone | Fee",
        "Zone | Day | Year",
        "Zone: North; Fee Day: 2.00; Fee Year: 31.50",
        "Zone: North; Fee Day: 3.00; Fee Year: 74.00",
    ]


def test_tables_that_arrange_the_page_are_read_as_blocks(tmp_path: Path) -> None:
    page = "<table><tr><td><h1>Fees</h1><p>One.</p></td><td><p>Two.</p><p>Three.</p></td></tr></table>"

    assert read(tmp_path, page).text == "Fees\n\nOne.\n\nTwo.\n\nThree."


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("shift_jis", "\u4fdd\u8a3c\u671f\u9593\u306f\u4e03\u5e74\u9593\u3067\u3059"),
        (
            "koi8-r",
            "\u0413\u0430\u0440\u0430\u043d\u0442\u0438\u044f \u0441\u0435\u043c\u044c \u043b\u0435\u0442",
        ),
        ("windows-1250", "P\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148"),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_encodings_are_declared_or_detected(tmp_path: Path, encoding: str, text: str, declared: bool) -> None:
    meta = f'<meta charset="{encoding}">' if declared else ""

    assert read(tmp_path, f"<html><head>{meta}</head><p>{text}.</p>".encode(encoding)).text == f"{text}."


def test_a_wrong_declaration_is_not_believed(tmp_path: Path) -> None:
    page = '<meta charset="utf-8"><p>Die Gr\u00f6\u00dfe der H\u00e4user</p>'.encode("cp1252")

    assert read(tmp_path, page).text == "Die Gr\u00f6\u00dfe der H\u00e4user"


def test_images_without_alternative_text_are_reported(tmp_path: Path) -> None:
    found = read(tmp_path, "<p>Text.<img src=a><img src=b><img src=c alt=''>")

    assert found.warnings == ("Images without alternative text were not read: 2.",)
