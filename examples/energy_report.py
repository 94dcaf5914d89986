"""Imports energy consumption into a Seshat server, creates a report, and downloads it as PDF.

    energy_report.py --url http://127.0.0.1:8000 --login ada --password … LOAD.csv --out report.pdf \\
        --industry Manufacturing --location Graz --target-year 2036 --increase 60 --budget 1200

Requires `pip install "gql[httpx,websockets]" rich`. Fields of the stored profile need not be repeated.
The exit code is 0 if the report was downloaded.
"""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from rich.console import Console

from client import EXPECTED_ERRORS, MutationError, Seshat, connection_parser, existing_file, sign_in

POLL_SECONDS = 0.5
"""Polling interval of jobs."""

PROFILE = """
mutation Profile($input: CompanyProfileUpdateInput!) {
  payload: companyProfileUpdate(input: $input) { errors { code message path } }
}"""

PREVIEW = """
query Preview($input: HistoricalDataPreviewInput!) {
  historicalDataPreview(input: $input) {
    timestampColumn consumptionColumn renewableColumn timestampFormat stepMinutes unit unitGuessed question
  }
}"""

IMPORT = """
mutation Import($input: HistoricalDataImportInput!) {
  payload: historicalDataImport(input: $input) {
    historicalDataImport { id } errors { code message path }
  }
}"""

IMPORTED = """
query Imported($id: ID!) {
  historicalDataImport(id: $id) {
    job { status errorMessage }
    summary { firstOn lastOn readings annualKwh anomalyCount insights issues { kind count example } }
  }
}"""

GENERATE = """
mutation Generate($input: ReportGenerateInput!) {
  payload: reportGenerate(input: $input) { report { id } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!, $after: String) {
  event: reportProgress(id: $id, after: $after) { cursor kind step summary }
}"""

KEEP = """
mutation Keep($input: SavedReportCreateInput!) {
  payload: savedReportCreate(input: $input) { savedReport { id } errors { code message path } }
}"""

KEPT = """
query Kept($id: ID!) {
  savedReport(id: $id) { id title confidence reportData files { name format size url } }
}"""


async def import_consumption(seshat: Seshat, upload: str, mapping: dict[str, Any]) -> dict[str, Any]:
    """Imports past consumption, and returns its summary."""
    created = await seshat.execute(IMPORT, input={"uploadId": upload, "mapping": mapping or None})
    id = created["payload"]["historicalDataImport"]["id"]
    while True:
        row = (await seshat.execute(IMPORTED, id=id))["historicalDataImport"]
        if row["job"]["status"] in ("FAILED", "CANCELLED"):
            raise MutationError(row["job"]["errorMessage"] or "The import was cancelled.")
        if row["summary"]:
            summary: dict[str, Any] = row["summary"]
            return summary
        await asyncio.sleep(POLL_SECONDS)


async def create_report(seshat: Seshat, console: Console, method: str) -> str:
    """Creates a report, prints its steps, and returns its ID."""
    created = await seshat.execute(GENERATE, input={"method": method})
    id = str(created["payload"]["report"]["id"])
    async with aclosing(seshat.subscribe(WATCH, id=id)) as events:
        async for event in events:
            match event["kind"]:
                case "FAILED":
                    raise MutationError(event["summary"] or "The report failed.")
                case "STEP_COMPLETED":
                    name = event["step"].replace("_", " ")
                    console.print(f"  {name}: {event['summary']}", markup=False, highlight=False)
                case "COMPLETED":
                    break
    return id


async def save_report(seshat: Seshat, report: str) -> dict[str, Any]:
    """Saves a report, and waits for its files."""
    created = await seshat.execute(KEEP, input={"reportId": report})
    id = created["payload"]["savedReport"]["id"]
    while True:
        saved: dict[str, Any] = (await seshat.execute(KEPT, id=id))["savedReport"]
        if saved["files"]:
            return saved
        await asyncio.sleep(POLL_SECONDS)


def values_of(arguments: argparse.Namespace, names: dict[str, str]) -> dict[str, Any]:
    """The inputs of the command line by their GraphQL names."""
    values = {name: getattr(arguments, option) for option, name in names.items()}
    return {name: value for name, value in values.items() if value is not None}


async def report(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Imports the file, creates the report and downloads the PDF. Returns the report."""
    seshat = await sign_in(arguments)
    upload = await seshat.upload(arguments.file)
    mapping = values_of(arguments, {"unit": "unit", "timezone": "timezone"})
    input = {"uploadId": upload, "mapping": mapping or None}
    preview = (await seshat.execute(PREVIEW, input=input))["historicalDataPreview"]
    console.print(
        f"{arguments.file.name}: {preview['consumptionColumn']} by {preview['timestampColumn']}, "
        f"every {preview['stepMinutes']:g} minutes, in {preview['unit']}",
        markup=False,
        highlight=False,
    )
    summary = await import_consumption(seshat, upload, mapping)
    for insight in summary["insights"]:
        console.print(f"  {insight}", markup=False, highlight=False)
    profile = values_of(arguments, PROFILE_FIELDS)
    if profile:
        await seshat.execute(PROFILE, input=profile)
    console.print("The report:", markup=False)
    saved = await save_report(seshat, await create_report(seshat, console, arguments.method))
    pdf = next(file for file in saved["files"] if file["format"] == "PDF")
    await seshat.download(pdf["url"], arguments.out)
    console.print(f"{arguments.out}: {pdf['size']} bytes, confidence {saved['confidence']:.2f}")
    data = saved["reportData"]
    return {
        "savedReport": saved["id"],
        "confidence": saved["confidence"],
        "consumption": summary,
        "decision": data["decision"],
        "roadmap": data["roadmap"]["years"],
        "files": [file["name"] for file in saved["files"]],
    }


PROFILE_FIELDS = {
    "industry": "industry",
    "location": "location",
    "target_year": "targetYear",
    "increase": "renewablePercentageIncrease",
    "budget": "budget",
    "renewable": "currentRenewablePercentage",
}
"""Options of the company's energy profile, with their GraphQL names."""


def parse_arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = connection_parser("Create an energy report (PDF) from a file of past consumption.")
    parser.add_argument("--out", required=True, type=Path, help="file in which the PDF is saved")
    parser.add_argument("--industry", help="industry, such as Manufacturing")
    parser.add_argument("--location", help="location where the energy is used")
    parser.add_argument("--target-year", type=int, help="year in which the transition is complete")
    parser.add_argument(
        "--increase", type=float, help="increase of the renewable share, in percentage points"
    )
    parser.add_argument("--renewable", type=float, help="current renewable share, in percent")
    parser.add_argument("--budget", type=float, help="annual energy budget")
    parser.add_argument("--method", choices=("OPTIMAL", "PROPORTIONAL"), default="OPTIMAL")
    parser.add_argument("--unit", help="WH, KWH, MWH, GWH, KW or MW (default: detected)")
    parser.add_argument("--timezone", help="time zone of timestamps without one, such as Europe/Vienna")
    parser.add_argument("file", type=existing_file, help="CSV or XLSX")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 if the report was downloaded, else 1."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        found = asyncio.run(report(arguments, errors if arguments.json else Console()))
    except EXPECTED_ERRORS as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
