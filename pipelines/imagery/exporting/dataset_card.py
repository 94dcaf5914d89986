"""Dataset card: contents and licences of a package, for readers and dataset hubs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pipelines.imagery.exporting.records import UNKNOWN, ExportTotals

MAX_TABLE_ROWS = 100
"""Maximum rows of a table, as licences are free text."""
SIZE_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
LARGEST_SIZE_CATEGORY = "100K<n<1M"

LOADER_CALLS = {
    "imagefolder": 'load_dataset("imagefolder", data_files="{file}")',
    "webdataset": 'load_dataset("webdataset", data_files="*.tar")',
    "parquet": 'load_dataset("parquet", data_files="*.parquet")',
}
"""Python expression that loads a package with the library `datasets`."""


@dataclass(frozen=True)
class DatasetInfo:
    """The exported dataset. `rules` are those of the last completed validation, if any."""

    name: str
    crawl: str
    keywords: Sequence[str]
    format: str
    filename: str
    created_at: datetime
    rules: Mapping[str, Any] | None

    def summary(self, totals: ExportTotals) -> dict[str, Any]:
        """Summary of the dataset as JSON values."""
        return {
            "name": self.name,
            "crawl": self.crawl,
            "keywords": list(self.keywords),
            "format": self.format,
            "made_at": self.created_at.isoformat(),
            "image_count": totals.packed,
            "missing_count": totals.missing,
            "content_bytes": totals.content_bytes,
            "formats": dict(totals.formats.most_common()),
            "licences": dict(totals.licences.most_common()),
            "validation_rules": None if self.rules is None else dict(self.rules),
        }

    def render_card(self, totals: ExportTotals, *, note: str = "") -> str:
        """README.md: YAML front matter for dataset hubs, then Markdown."""
        size = next(
            (category for limit, category in SIZE_CATEGORIES if totals.packed < limit), LARGEST_SIZE_CATEGORY
        )
        head = [
            "---",
            f"pretty_name: {yaml_string(self.name)}",
            "license: other",
            "size_categories:",
            f"- {size}",
        ]
        body = [
            f"# {escape(self.name)}",
            f"{totals.packed} images, {totals.content_bytes} bytes, from the crawl {escape(self.crawl)}. "
            f"Packed as {self.format} on {self.created_at:%Y-%m-%d %H:%M} UTC.",
        ]
        if totals.missing:
            body.append(f"{totals.missing} further images are missing, as their files no longer exist.")
        if note:
            body.append(note)
        if self.format in LOADER_CALLS:
            loader_call = LOADER_CALLS[self.format].format(file=self.filename)
            body += ["## Loading", f"```python\nfrom datasets import load_dataset\n\n{loader_call}\n```"]
        body += ["## Keywords", "\n".join(f"- {escape(word)}" for word in self.keywords) or "No keywords."]
        body += [
            "## Licences",
            "As stated by the source of each image. You are responsible for complying with them.",
            markdown_table("Licence", totals.licences),
            "## Formats",
            markdown_table("Format", totals.formats),
        ]
        validation = "The images were not validated." if self.rules is None else rules_list(self.rules)
        body += ["## Validation", validation]
        return "\n".join([*head, "---", ""]) + "\n" + "\n\n".join(body) + "\n"


def rules_list(rules: Mapping[str, Any]) -> str:
    """Validation rules as a Markdown list."""
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in rules.items() if value is not None]
    if not lines:
        return "All images can be decoded."
    return "\n".join(["The images were validated by these rules:", "", *lines])


def markdown_table(title: str, counts: Counter[str]) -> str:
    """Counts as a Markdown table, largest first."""
    rows = [
        f"| {escape(name).replace('|', '/')} | {count} |"
        for name, count in counts.most_common(MAX_TABLE_ROWS)
    ]
    if omitted := len(counts) - len(rows):
        rows.append(
            f"| {omitted} others | {counts.total() - sum(n for _, n in counts.most_common(MAX_TABLE_ROWS))} |"
        )
    return "\n".join([f"| {title} | Images |", "| --- | ---: |", *(rows or [f"| {UNKNOWN} | 0 |"])])


def escape(text: str) -> str:
    """Untrusted text on one line, with markup escaped."""
    return " ".join(text.split()).replace("<", "&lt;").replace("`", "'")


def yaml_string(text: str) -> str:
    """A YAML string; JSON strings are valid YAML."""
    return orjson.dumps(text).decode()
