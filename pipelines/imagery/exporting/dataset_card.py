"""Dataset card: contents and licences of a package, for readers and dataset hubs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    """The exported dataset. `source` says what was exported, `facts` more about it.

    `rules` are those of the last completed validation, None if there is none or if images are of several
    crawls. `data_files` are patterns of the files of each split, if splits have files.
    """

    name: str
    source: str
    keywords: Sequence[str]
    format: str
    filename: str
    created_at: datetime
    rules: Mapping[str, Any] | None = None
    is_version: bool = False
    description: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    data_files: Mapping[str, str] = field(default_factory=dict)
    lists_sources: bool = True

    def summary(self, totals: ExportTotals) -> dict[str, Any]:
        """Summary of the dataset as JSON values."""
        source = "dataset_version" if self.is_version else "crawl"
        counted = {"labels": dict(sorted(totals.labels.items())), "splits": dict(totals.splits)}
        return {
            "name": self.name,
            source: self.source,
            **self.facts,
            "keywords": list(self.keywords),
            "format": self.format,
            "made_at": self.created_at.isoformat(),
            "image_count": totals.packed,
            "missing_count": totals.missing,
            "unreadable_count": totals.unreadable,
            "content_bytes": totals.content_bytes,
            "formats": dict(totals.formats.most_common()),
            "licences": dict(totals.licences.most_common()),
            **(counted if self.is_version else {}),
            "validation_rules": None if self.rules is None else dict(self.rules),
        }

    def render_card(self, totals: ExportTotals) -> str:
        """README.md: YAML front matter for dataset hubs, then Markdown."""
        return (
            "\n".join([*self._front_matter(totals), "---", ""])
            + "\n"
            + "\n\n".join(self._body(totals))
            + "\n"
        )

    def _front_matter(self, totals: ExportTotals) -> list[str]:
        size = next(
            (category for limit, category in SIZE_CATEGORIES if totals.packed < limit), LARGEST_SIZE_CATEGORY
        )
        lines = [
            "---",
            f"pretty_name: {yaml_string(self.name)}",
            "license: other",
            "size_categories:",
            f"- {size}",
        ]
        if totals.labels:
            lines += ["task_categories:", "- image-classification"]
        if self.data_files:
            lines += ["configs:", "- config_name: default", "  data_files:"]
        for split, pattern in self.data_files.items():
            lines += [f"  - split: {split}", f"    path: {yaml_string(pattern)}"]
        return lines

    def _body(self, totals: ExportTotals) -> list[str]:
        of = "version" if self.is_version else "crawl"
        made = "Frozen" if self.is_version else "Crawled"
        body = [
            f"# {escape(self.name)}",
            *filter(None, [escape(self.description)]),
            f"{totals.packed} images, {totals.content_bytes} bytes, from the {of} {escape(self.source)}. "
            f"{made} on {self.created_at:%Y-%m-%d %H:%M} UTC. Packed as {self.format}.",
        ]
        if totals.missing:
            body.append(f"{totals.missing} further images are missing, as their files no longer exist.")
        if totals.unreadable:
            body.append(f"{totals.unreadable} further images are missing, as they could not be resized.")
        body += self.notes
        if self.format in LOADER_CALLS:
            call = (
                'load_dataset(".")'
                if self.is_version
                else LOADER_CALLS[self.format].format(file=self.filename)
            )
            body += ["## Loading", f"```python\nfrom datasets import load_dataset\n\n{call}\n```"]
        if self.keywords:
            body += ["## Keywords", "\n".join(f"- {escape(word)}" for word in self.keywords)]
        if self.facts:
            body += [
                "## Version",
                "\n".join(f"- {name}: {escape(str(value))}" for name, value in self.facts.items()),
            ]
        if totals.splits:
            body += ["## Splits", markdown_table("Split", totals.splits)]
        if totals.labels:
            body += ["## Labels", markdown_table("Label", totals.labels)]
        if self.lists_sources:
            body += ["## Sources", markdown_table("Host", totals.sources)]
        body += [
            "## Licences",
            "As stated by the source of each image. You are responsible for complying with them.",
            markdown_table("Licence", totals.licences),
            "## Formats",
            markdown_table("Format", totals.formats),
        ]
        if not self.is_version:
            validation = "The images were not validated." if self.rules is None else rules_list(self.rules)
            body += ["## Validation", validation]
        return body


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
