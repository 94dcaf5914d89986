"""Every number of a report is the same in each of its formats, and the report reads for a board."""

import csv
import json
import re
from collections import Counter
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree

import docx
import pypdfium2
import pytest

from pipelines.insights import narrative
from pipelines.insights.report_renderers import render_files
from pipelines.insights.report_steps import STEPS, run_step
from tests.insights.plan.sample_plans import report_inputs

NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?")
SECTIONS = ("Decision", "Roadmap", "Money", "Emissions", "Limits and risk", "Assumptions")
MAX_PAGES = 8


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The data of a report of three years, each step from the stored JSON of the steps before it."""
    inputs = report_inputs(target_year=2029, budget=100_000.0)
    done: dict[str, Any] = {}
    for name in STEPS:
        done[name] = json.loads(json.dumps(run_step(name, inputs, done)))
    return {"inputs": inputs, **done}


@pytest.fixture(scope="module")
def files(report: dict[str, Any]) -> dict[str, bytes]:
    """The report's files by their names."""
    text = narrative.render_template(report["inputs"], report)
    return {file.name: file.content for file in render_files("Report", "Today", report, text)}


def pdf_pages(content: bytes) -> tuple[int, str]:
    """The pages of a PDF, and its text without the footers."""
    with pypdfium2.PdfDocument(content) as pages:
        texts = [page.get_textpage().get_text_bounded(bottom=45) for page in pages]
    return len(texts), "\n".join(texts)


def word_text(content: bytes) -> str:
    """The text of a Word document, in its paragraphs and tables."""
    document = docx.Document(BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def numbers(text: str) -> Counter[str]:
    """How often a text has each number, as it is written."""
    return Counter(NUMBER.findall(text))


def chart_text(files: dict[str, bytes]) -> str:
    """The texts of the charts, which the PDF draws."""
    charts = [ElementTree.fromstring(content) for name, content in files.items() if name.endswith(".svg")]
    return "\n".join(
        node.text or "" for chart in charts for node in chart.iter() if node.tag.endswith("}text")
    )


def test_every_number_is_the_same_in_pdf_word_and_markdown(files: dict[str, bytes]) -> None:
    markdown = numbers(files["report.md"].decode())

    assert markdown.total() > 300
    assert numbers(word_text(files["report.docx"])) == markdown
    assert numbers(pdf_pages(files["report.pdf"])[1]) == markdown + numbers(chart_text(files))


def test_the_sheet_and_the_stored_data_have_the_figures_of_the_roadmap(
    report: dict[str, Any], files: dict[str, bytes]
) -> None:
    rows = list(csv.DictReader(StringIO(files["report.csv"].decode())))
    markdown = files["report.md"].decode()

    for row, year in zip(rows, report["roadmap"]["years"], strict=True):
        for name in ("demand_kwh", "cost", "unmet_kwh", "renewable_share", "budget_left"):
            assert float(row[name]) == year[name]
        assert {code: float(row[f"{code}_kwh"]) for code in year["energy_kwh"]} == year["energy_kwh"]
        assert f" {float(row['cost']):,.0f} " in markdown
        assert f" {100 * float(row['renewable_share']):.1f} % " in markdown


def test_the_report_is_short_and_has_what_a_board_asks_for(files: dict[str, bytes]) -> None:
    pages, text = pdf_pages(files["report.pdf"])

    assert pages <= MAX_PAGES
    assert [name for name in SECTIONS if name not in text] == []


def test_each_column_of_the_roadmap_sums_to_all_of_the_consumption(files: dict[str, bytes]) -> None:
    table = (
        files["report.md"].decode().split("| Share of the consumption |")[1].split("| Consumption, MWh")[0]
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]
    columns = [
        [float(cell.removesuffix(" %")) for cell in column]
        for column in zip(*(r[1:] for r in rows), strict=True)
    ]

    assert [row[0] for row in rows][-2:] == ["Unmet", "Consumption"]
    for *parts, total in columns:
        assert round(sum(parts), 1) == total == 100.0


def test_the_budget_that_is_short_is_named_with_its_years_and_what_more_of_it_buys(
    report: dict[str, Any], files: dict[str, bytes]
) -> None:
    first = report["constraints"]["limits"][0]

    # 1 % of 100,000 buys 1,000 / 0.12 kWh from the grid in the year that has too little.
    assert (first["kind"], first["years"], first["objective"]) == ("budget", [2027], "unmet")
    assert first["improvement"] == pytest.approx(1000 / 0.12, rel=1e-6)
    assert "The budget of 100,000 a year limits 2027" in files["report.md"].decode()
