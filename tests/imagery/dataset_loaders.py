"""Loads packages with the libraries that they are made for.

`python -m tests.imagery.dataset_loaders ZIP=birds.zip PARQUET=birds.parquet` prints each package's number of
images, the sum of their pixels, and the sum of the pixels in its metadata. It downloads nothing.
"""

import csv
import io
import json
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

import datasets
import webdataset
from PIL import Image
from pycocotools.coco import COCO

Found = tuple[int, int, int]


def checksum(images: Iterable[tuple[Image.Image, dict[str, Any]]]) -> Found:
    """How many there are, their pixels once decoded, and the pixels that they are said to have."""
    count = pixels = said = 0
    for image, known in images:
        image.load()
        count, pixels = count + 1, pixels + image.width * image.height
        said += int(known["width"]) * int(known["height"])
    return count, pixels, said


def archive(path: Path, folder: Path) -> Found:
    """Python's own archives, and Pillow."""
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as opened:
            opened.extractall(folder, filter="data")
    else:
        with zipfile.ZipFile(path) as zipped:
            zipped.extractall(folder)
    listed = json.loads((folder / "images.json").read_text())
    return checksum((Image.open(folder / known["file_name"]), known) for known in listed)


def table(path: Path, folder: Path) -> Found:
    """A CSV table: no pixels but those that are told."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return len(rows), 0, sum(int(row["width"]) * int(row["height"]) for row in rows)


def document(path: Path, folder: Path) -> Found:
    """A JSON document, likewise."""
    rows = json.loads(path.read_text())["images"]
    return len(rows), 0, sum(row["width"] * row["height"] for row in rows)


def lines(path: Path, folder: Path) -> Found:
    """JSON lines, likewise."""
    rows = list(map(json.loads, path.read_text().splitlines()))
    return len(rows), 0, sum(row["width"] * row["height"] for row in rows)


def imagefolder(path: Path, folder: Path) -> Found:
    """Hugging Face's `datasets`."""
    return checksum((row["image"], row) for row in load("imagefolder", path, folder))


def parquet(path: Path, folder: Path) -> Found:
    """Hugging Face's `datasets`."""
    return checksum((row["image"], row) for row in load("parquet", path, folder))


def shards(path: Path, folder: Path) -> Found:
    """Hugging Face's `datasets` and the library `webdataset`, which must agree."""
    rows = webdataset.WebDataset(str(path), shardshuffle=False)
    found = checksum((Image.open(io.BytesIO(row["jpg"])), json.loads(row["json"])) for row in rows)
    again = checksum((row["jpg"], row["json"]) for row in load("webdataset", path, folder))
    assert found == again, (found, again)
    return found


def coco(path: Path, folder: Path) -> Found:
    """The COCO API."""
    with zipfile.ZipFile(path) as zipped:
        zipped.extractall(folder)
    with redirect_stdout(sys.stderr):
        read = COCO(str(folder / "annotations.json"))
    return checksum((Image.open(folder / known["file_name"]), known) for known in read.imgs.values())


def load(kind: str, path: Path, folder: Path) -> Any:
    """A data set in one line."""
    return datasets.load_dataset(kind, data_files=str(path), cache_dir=str(folder / "cache"))["train"]


LOADERS: dict[str, Callable[[Path, Path], Found]] = {
    "ZIP": archive,
    "TAR": archive,
    "TAR_GZ": archive,
    "CSV": table,
    "JSON": document,
    "JSONL": lines,
    "IMAGEFOLDER": imagefolder,
    "PARQUET": parquet,
    "WEBDATASET": shards,
    "COCO": coco,
}


def main() -> None:
    """Print what is found in each of the packages as one JSON object."""
    found = {}
    for format, _, file in (arguments.partition("=") for arguments in sys.argv[1:]):
        with TemporaryDirectory() as folder:
            found[format] = LOADERS[format](Path(file), Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
