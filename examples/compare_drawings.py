"""Compares two revisions of a drawing set on a Seshat server, and prints the changes.

    compare_drawings.py --url http://127.0.0.1:8000 --login ada --password … OLD.pdf NEW.pdf --out overlays

Requires `pip install "gql[httpx,websockets]" rich`. The exit code is 0 if the comparison completed.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from client import EXPECTED_ERRORS, Seshat, connection_parser, existing_file, sign_in

CREATE = """
mutation Create($input: DrawingSessionCreateInput!) {
  payload: drawingSessionCreate(input: $input) { session { id } errors { code message path } }
}"""

START = """
mutation Start($id: ID!) {
  payload: drawingSessionStart(id: $id) { session { id status } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!) { session: sessionProgress(id: $id) { status progress errorMessage } }"""

READ = """
query Read($id: ID!, $after: String) {
  session: drawingSession(id: $id) {
    id name status errorMessage totalTime onlyInOld onlyInNew
    comparisons(first: 50, after: $after) {
      nodes {
        drawingName state errorMessage alignmentScore lowConfidence changesDetected changeRatio overlayUrl
        words { removed added }
        changes { kind area description box { x y width height } words { removed added } }
        analysisResults(first: 1) {
          nodes { analysisSummary criticalChange recommendations aiModelUsed success errorMessage }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""


def bar(progress: Progress, path: Path) -> Callable[[int], None]:
    """A callback that shows the upload progress of a file."""
    task = progress.add_task(f"Uploading {path.name}", total=path.stat().st_size)
    return partial(progress.advance, task)


async def read(seshat: Seshat, session_id: str) -> dict[str, Any]:
    """The session with all of its comparisons."""
    comparisons: list[dict[str, Any]] = []
    cursor = None
    while True:
        session = (await seshat.execute(READ, id=session_id, after=cursor))["session"]
        page = session["comparisons"]
        comparisons += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return {**session, "comparisons": comparisons}
        cursor = page["pageInfo"]["endCursor"]


async def download(
    seshat: Seshat, comparisons: list[dict[str, Any]], folder: Path, progress: Progress
) -> None:
    """Downloads the overlays, and adds their paths to the comparisons as `overlayFile`."""
    with_overlay = [comparison for comparison in comparisons if comparison["overlayUrl"]]
    for number, comparison in enumerate(progress.track(with_overlay, description="Downloading overlays"), 1):
        name = re.sub(r"[^\w.-]+", "_", comparison["drawingName"]).strip(".") or "sheet"
        target = folder / f"{number:03}_{name}.png"
        await seshat.download(comparison["overlayUrl"], target)
        comparison["overlayFile"] = str(target)


async def compare(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Uploads, compares and downloads. Returns the finished session."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        seshat = await sign_in(arguments)
        old = await seshat.upload(arguments.old, bar(progress, arguments.old))
        new = await seshat.upload(arguments.new, bar(progress, arguments.new))
        input = {
            "oldUploadId": old,
            "newUploadId": new,
            "name": f"{arguments.old.name} against {arguments.new.name}",
        }
        session_id = (await seshat.execute(CREATE, input=input))["payload"]["session"]["id"]
        await seshat.execute(START, id=session_id)
        task = progress.add_task("Comparing", total=100)
        async with aclosing(seshat.subscribe(WATCH, id=session_id)) as states:
            async for state in states:
                progress.update(task, completed=state["progress"], description=state["status"].capitalize())
                if state["status"] in ("COMPLETED", "ERROR"):
                    break
        session = await read(seshat, session_id)
        await download(seshat, session["comparisons"], arguments.out, progress)
    return session


def report(session: dict[str, Any], console: Console) -> None:
    """Prints sheets, scores, changes and overlays."""
    table = Table(title=f"{session['name']}: {session['status'].lower()}")
    for heading, style in (("Sheet", "bold"), ("Alignment", ""), ("Changes", ""), ("Overlay", "dim")):
        table.add_column(heading, style=style, overflow="fold")
    for comparison in session["comparisons"]:
        score = comparison["alignmentScore"]
        warning = " (low confidence)" if comparison["lowConfidence"] else ""
        table.add_row(
            comparison["drawingName"],
            "—" if score is None else f"{score:.2f}{warning}",
            comparison["errorMessage"] or str(len(comparison["changes"])),
            comparison.get("overlayFile") or "",
        )
    console.print(table)
    for comparison in session["comparisons"]:
        if comparison["changes"]:
            console.rule(comparison["drawingName"], align="left")
        for change in comparison["changes"]:
            box = change["box"]
            place = f"{box['x']},{box['y']} {box['width']}x{box['height']}"
            line = f"  {change['kind'].lower():9}{place:24}{change['description']}"
            console.print(line, markup=False, soft_wrap=True)
        if comparison["overlayUrl"]:
            console.print(f"  {comparison['overlayUrl']}", markup=False, soft_wrap=True)
    for heading, key in (("Only in the old set", "onlyInOld"), ("Only in the new set", "onlyInNew")):
        if session[key]:
            console.print(f"{heading}: {', '.join(session[key])}", markup=False)
    if session["errorMessage"]:
        console.print(session["errorMessage"], style="red", markup=False)


def parse_arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = connection_parser("Compare two revisions of a drawing set.")
    parser.add_argument(
        "--out", type=Path, default=Path("overlays"), help="folder for the overlay images (default: overlays)"
    )
    parser.add_argument("old", type=existing_file, help="old revision: PDF, PNG, JPEG or TIFF")
    parser.add_argument("new", type=existing_file, help="new revision")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 if the session completed, else 1."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        session = asyncio.run(compare(arguments, errors))
    except EXPECTED_ERRORS as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        if arguments.json:
            print(json.dumps({"status": "REFUSED", "error": str(error)}))
        return 1
    if arguments.json:
        print(json.dumps(session, ensure_ascii=False))
    else:
        report(session, Console())
    return 0 if session["status"] == "COMPLETED" else 1


if __name__ == "__main__":
    sys.exit(main())
