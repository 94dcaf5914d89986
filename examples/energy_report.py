"""Import a file of energy consumption into a Seshat server, have a report made, and fetch it as PDF.

    energy_report.py --url http://127.0.0.1:8000 --login ada --password … LOAD.csv --out report.pdf \\
        --industry Manufacturing --location Graz --target-year 2036 --increase 60 --budget 1200

Needs `pip install "gql[httpx,websockets]" rich`. What the profile holds already need not be said again.
Exit code 0 only if the report is there.
"""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from rich.console import Console

from client import TROUBLE, MutationError, Seshat, connection, existing_file, signed_in

BETWEEN_LOOKS = 0.5
"""Seconds between two looks at what a job works on."""

PROFILE = """
mutation Profile($input: CompanyProfileUpdateInput!) {
  payload: companyProfileUpdate(input: $input) { errors { code message path } }
}"""

PREVIEW = """
query Preview($input: HistoricalDataPreviewInput!) {
  historicalDataPreview(input: $input) {
    timestampColumn consumptionColumn renewableColumn timestampFormat stepMinutes unit unitGuessed
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
    """What past consumption says, once it is imported."""
    made = await seshat.ask(IMPORT, input={"uploadId": upload, "mapping": mapping or None})
    id = made["payload"]["historicalDataImport"]["id"]
    while True:
        row = (await seshat.ask(IMPORTED, id=id))["historicalDataImport"]
        if row["job"]["status"] in ("FAILED", "CANCELLED"):
            raise MutationError(row["job"]["errorMessage"] or "The import was cancelled.")
        if row["summary"]:
            summary: dict[str, Any] = row["summary"]
            return summary
        await asyncio.sleep(BETWEEN_LOOKS)


async def create_report(seshat: Seshat, console: Console, method: str) -> str:
    """Have a report made, and print its steps; gives its id."""
    made = await seshat.ask(GENERATE, input={"method": method})
    id = str(made["payload"]["report"]["id"])
    async with aclosing(seshat.watch(WATCH, id=id)) as events:
        async for event in events:
            match event["kind"]:
                case "FAILED":
                    raise MutationError(event["summary"] or "There is no report.")
                case "STEP_COMPLETED":
                    name = event["step"].replace("_", " ")
                    console.print(f"  {name}: {event['summary']}", markup=False, highlight=False)
                case "COMPLETED":
                    break
    return id


async def save_report(seshat: Seshat, report: str) -> dict[str, Any]:
    """The saved report, once its files are there."""
    made = await seshat.ask(KEEP, input={"reportId": report})
    id = made["payload"]["savedReport"]["id"]
    while True:
        saved: dict[str, Any] = (await seshat.ask(KEPT, id=id))["savedReport"]
        if saved["files"]:
            return saved
        await asyncio.sleep(BETWEEN_LOOKS)


def values_of(arguments: argparse.Namespace, names: dict[str, str]) -> dict[str, Any]:
    """The inputs that the command line says, by their names in the contract."""
    said = {name: getattr(arguments, option) for option, name in names.items()}
    return {name: value for name, value in said.items() if value is not None}


async def report(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """From the file to the PDF; gives what the report says."""
    seshat = await signed_in(arguments)
    upload = await seshat.upload(arguments.file)
    mapping = values_of(arguments, {"unit": "unit", "timezone": "timezone"})
    input = {"uploadId": upload, "mapping": mapping or None}
    seen = (await seshat.ask(PREVIEW, input=input))["historicalDataPreview"]
    console.print(
        f"{arguments.file.name}: {seen['consumptionColumn']} by {seen['timestampColumn']}, "
        f"every {seen['stepMinutes']:g} minutes, in {seen['unit']}",
        markup=False,
        highlight=False,
    )
    summary = await import_consumption(seshat, upload, mapping)
    for each in summary["insights"]:
        console.print(f"  {each}", markup=False, highlight=False)
    profile = values_of(arguments, PROFILED)
    if profile:
        await seshat.ask(PROFILE, input=profile)
    console.print("The report:", markup=False)
    saved = await save_report(seshat, await create_report(seshat, console, arguments.method))
    pdf = next(file for file in saved["files"] if file["format"] == "PDF")
    await seshat.fetch(pdf["url"], arguments.out)
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


PROFILED = {
    "industry": "industry",
    "location": "location",
    "target_year": "targetYear",
    "increase": "renewablePercentageIncrease",
    "budget": "budget",
    "renewable": "currentRenewablePercentage",
}
"""Options that are part of the company's profile."""


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = connection("From a file of energy consumption to a report as PDF.")
    parser.add_argument("--out", required=True, type=Path, help="where to write the PDF")
    parser.add_argument("--industry", help="such as Manufacturing")
    parser.add_argument("--location", help="where the energy is used")
    parser.add_argument("--target-year", type=int, help="by when the transition is to be done")
    parser.add_argument("--increase", type=float, help="percentage points of renewable energy to win")
    parser.add_argument("--renewable", type=float, help="the renewable share now, in percent")
    parser.add_argument("--budget", type=float, help="what may be spent on energy in a year")
    parser.add_argument("--method", choices=("OPTIMAL", "PROPORTIONAL"), default="OPTIMAL")
    parser.add_argument("--unit", help="WH, KWH, MWH, GWH, KW or MW; guessed unless given")
    parser.add_argument("--timezone", help="of instants that do not tell theirs, such as Europe/Vienna")
    parser.add_argument("file", type=existing_file, help="CSV or XLSX")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 if the report is there, 1 if anything was refused."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        found = asyncio.run(report(arguments, errors if arguments.json else Console()))
    except TROUBLE as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
