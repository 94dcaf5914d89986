"""Builds an image dataset with a Seshat server: crawls a site, validates the images, exports and downloads.

    build_dataset.py --url http://127.0.0.1:8000 --login ada --password … \
        --from https://birds.example/ --format IMAGEFOLDER --out birds.zip

Requires `pip install "gql[httpx,websockets]" rich`. The exit code is 0 if the dataset was exported.
Datasets of several files (WEBDATASET and PARQUET above 5,000 images) are downloaded as one TAR file.
"""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from client import EXPECTED_ERRORS, MutationError, Seshat, connection_parser, sign_in

FORMATS = ("ZIP", "TAR", "TAR_GZ", "CSV", "JSON", "IMAGEFOLDER", "COCO", "WEBDATASET", "PARQUET")
PRESETS = ("BASIC", "STANDARD", "LENIENT", "STRICT")

PLAN = """
mutation Plan($input: ProjectCreateInput!) {
  payload: projectCreate(input: $input) { project { id } errors { code message path } }
}"""

CRAWL = """
mutation Crawl($input: CrawlJobCreateInput!) {
  payload: crawlJobCreate(input: $input) { job: crawlJob { id } errors { code message path } }
}"""

VALIDATE = """
mutation Validate($input: ValidationJobCreateInput!) {
  payload: validationJobCreate(input: $input) { job: validationJob { id } errors { code message path } }
}"""

EXPORT = """
mutation Export($input: ExportJobCreateInput!) {
  payload: exportJobCreate(input: $input) { job: exportJob { id } errors { code message path } }
}"""

WATCH = """
subscription Watch($id: ID!) {
  job: jobProgress(id: $id) {
    kind: __typename id phase progress errorMessage
    ... on CrawlJob { totalImages downloadedImages validImages totalChunks completedChunks failedChunks }
    ... on ValidationJob { totalImages validatedImages invalidImages }
    ... on ExportJob { totalImages exportedImages fileSize downloadUrl }
  }
}"""

LOOK = """
query Look($id: ID!) { crawlJob(id: $id) { totalImages downloadedImages validImages } }"""


async def run_job(seshat: Seshat, console: Console, document: str, **input: Any) -> dict[str, Any]:
    """Creates a job and waits for it. Returns the job. Raises `MutationError` if it fails."""
    id = (await seshat.execute(document, input=input))["payload"]["job"]["id"]
    job: dict[str, Any] = {}
    with console.status("waiting") as status:
        async with aclosing(seshat.subscribe(WATCH, id=id)) as states:
            async for job in states:
                status.update(f"{job['kind']}: {job['progress']} %")
                if job["phase"] not in ("QUEUED", "ACTIVE"):
                    break
    if job["phase"] != "SUCCEEDED":
        raise MutationError(f"{job['kind']}: {job['errorMessage'] or job['phase'].lower()}")
    return job


async def build(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Crawls, validates, exports and downloads. Returns the counts."""
    seshat = await sign_in(arguments)
    host = urlsplit(arguments.start).hostname or "site"
    project = (await seshat.execute(PLAN, input={"name": f"Images of {host}"}))["payload"]["project"]["id"]
    crawl = await run_job(
        seshat,
        console,
        CRAWL,
        projectId=project,
        name="".join(letter if letter.isalnum() else "-" for letter in host),
        keywords=arguments.keyword or [host],
        sources=[{"kind": "SITE", "startUrls": [arguments.start]}],
        maxImages=arguments.max_images,
    )
    console.print(f"crawled: {crawl['downloadedImages']} of {crawl['totalImages']} images downloaded")
    check = await run_job(
        seshat, console, VALIDATE, crawlJobId=crawl["id"], name="Check", rules={"preset": arguments.preset}
    )
    console.print(f"validated: {check['validatedImages']} images, {check['invalidImages']} invalid")
    export = await run_job(
        seshat, console, EXPORT, crawlJobId=crawl["id"], name=f"Images of {host}", format=arguments.format
    )
    await seshat.download(export["downloadUrl"], arguments.out)
    size = arguments.out.stat().st_size
    console.print(f"exported: {export['exportedImages']} images, {size:,} bytes in {arguments.out}")
    known = (await seshat.execute(LOOK, id=crawl["id"]))["crawlJob"]
    return {
        "found": known["totalImages"],
        "downloaded": known["downloadedImages"],
        "valid": known["validImages"],
        "validated": check["validatedImages"],
        "invalid": check["invalidImages"],
        "exported": export["exportedImages"],
        "format": arguments.format,
        "bytes": size,
        "file": str(arguments.out),
    }


def parse_arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = connection_parser("Build an image dataset from a website.")
    parser.add_argument("--from", dest="start", required=True, metavar="URL", help="start URL of the crawl")
    parser.add_argument("--format", choices=FORMATS, default="IMAGEFOLDER")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file in which the dataset is saved"
    )
    parser.add_argument("--keyword", action="append", help="keyword of the images; can be repeated")
    parser.add_argument(
        "--max-images", type=int, default=1000, help="maximum number of images (default: 1000)"
    )
    parser.add_argument(
        "--preset", choices=PRESETS, default="STANDARD", help="validation rules (default: STANDARD)"
    )
    arguments = parser.parse_args()
    if not arguments.out.parent.is_dir():
        parser.error(f"folder not found: {arguments.out.parent}")
    return arguments


def main() -> int:
    """Exit code 0 if the dataset was downloaded, else 1."""
    arguments = parse_arguments()
    errors = Console(stderr=True)
    try:
        counts = asyncio.run(build(arguments, errors if arguments.json else Console()))
    except EXPECTED_ERRORS as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    if arguments.json:
        print(json.dumps(counts, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
