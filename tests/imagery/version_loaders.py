"""Loads packages of data set versions with the libraries that they are made for, or as the format says.

`python -m tests.imagery.version_loaders PARQUET=folder COCO=folder` prints, for each package, the SHA-256
digest of the file, the split and the labels of every image. A folder holds the unpacked package.
"""

import csv
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

import datasets
import fsspec
from pycocotools.coco import COCO

Found = tuple[str, str, tuple[str, ...]]
"""Digest, split and labels of an image."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read(path: str) -> bytes:
    """The file at a path, which may be in an archive."""
    with fsspec.open(path) as file:
        return bytes(file.read())


def metadata_rows(rows: Iterable[dict[str, Any]], folder: Path | None = None) -> Iterator[Found]:
    """Rows of metadata; with a folder, of the files that they name."""
    for row in rows:
        found = digest((folder / row["file_name"]).read_bytes()) if folder else row["sha256"]
        yield found, row["split"], tuple(row["labels"])


def archive(folder: Path) -> Iterator[Found]:
    return metadata_rows(json.loads((folder / "images.json").read_text()), folder)


def table(folder: Path) -> Iterator[Found]:
    with (folder / "images.csv").open(newline="") as file:
        yield from metadata_rows({**row, "labels": json.loads(row["labels"])} for row in csv.DictReader(file))


def document(folder: Path) -> Iterator[Found]:
    return metadata_rows(json.loads((folder / "images.json").read_text())["images"])


def lines(folder: Path) -> Iterator[Found]:
    return metadata_rows(map(json.loads, (folder / "images.jsonl").read_text().splitlines()))


def hub(folder: Path) -> Iterator[Found]:
    """Hugging Face's `datasets`, as it loads a repository of a hub: splits are those of the files."""
    loaded = datasets.load_dataset(str(folder), cache_dir=str(folder.parent / f"{folder.name}.cache"))
    for split, rows in loaded.items():
        column = "jpg" if "jpg" in rows.column_names else "image"
        named = rows.features.get("label")
        for row in rows.cast_column(column, datasets.Image(decode=False)):
            content = row[column]["bytes"] or read(row[column]["path"])
            known = row.get("json", row)
            assert known["split"] == split
            if isinstance(named, datasets.ClassLabel):
                assert [named.int2str(row["label"])] == known["labels"]
            yield digest(content), split, tuple(known["labels"])


def coco(folder: Path) -> Iterator[Found]:
    """The COCO API, one document per split."""
    for split in ("train", "validation", "test"):
        with redirect_stdout(sys.stderr):
            read = COCO(str(folder / "annotations" / f"instances_{split}.json"))
            assert len(COCO(str(folder / "annotations" / f"captions_{split}.json")).imgs) == len(read.imgs)
        for number, image in read.imgs.items():
            names = [
                read.cats[each["category_id"]]["name"]
                for each in read.loadAnns(read.getAnnIds(imgIds=number))
            ]
            yield digest((folder / split / image["file_name"]).read_bytes()), split, tuple(names)


def class_folders(folder: Path) -> Iterator[Found]:
    """Hugging Face's `imagefolder`, which takes the folders for splits and labels, as torchvision does."""
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), cache_dir=str(folder.parent / f"{folder.name}.cache")
    )
    for split, rows in loaded.items():
        label = rows.features["label"]
        for row in rows.cast_column("image", datasets.Image(decode=False)):
            yield digest(Path(row["image"]["path"]).read_bytes()), split, (label.int2str(row["label"]),)


def yolo(folder: Path) -> Iterator[Found]:
    """The layout of YOLO classification: `train`, `val` and `test`, with a folder for each class."""
    for name, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        for path in sorted((folder / name).glob("*/*")):
            yield digest(path.read_bytes()), split, (path.parent.name,)


LOADERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    **dict.fromkeys(("ZIP", "TAR", "TAR_GZ"), archive),
    **dict.fromkeys(("IMAGEFOLDER", "PARQUET", "WEBDATASET"), hub),
    "CSV": table,
    "JSON": document,
    "JSONL": lines,
    "COCO": coco,
    "CLASS_FOLDERS": class_folders,
    "YOLO": yolo,
}


def main() -> None:
    """Print what is found in each of the packages as one JSON object."""
    found = {}
    for name, _, folder in (argument.partition("=") for argument in sys.argv[1:]):
        found[name] = sorted(LOADERS[name.partition(":")[0]](Path(folder)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
