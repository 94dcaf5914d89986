"""The data card: what a package holds and under which terms, for people and for dataset hubs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pipelines.imagery.exporting.records import UNKNOWN, ExportTotals

MAX_TABLE_ROWS = 100
"""Of a table: free text from the web could make thousands."""
SIZE_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
LARGEST_SIZE_CATEGORY = "100K<n<1M"

LOADER_CALLS = {
    "imagefolder": 'load_dataset("imagefolder", data_files="{file}")',
    "webdataset": 'load_dataset("webdataset", data_files="*.tar")',
    "parquet": 'load_dataset("parquet", data_files="*.parquet")',
}
"""One line of Python with the library `datasets`."""


@dataclass(frozen=True)
class DatasetInfo:
    """What is exported, and how: `rules` are those of the last finished check, if there was one."""

    name: str
    crawl: str
    keywords: Sequence[str]
    format: str
    filename: str
    created_at: datetime
    rules: Mapping[str, Any] | None

    def summary(self, totals: ExportTotals) -> dict[str, Any]:
        """The data set as a whole, as JSON values."""
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
        """README.md: YAML that dataset hubs read, then Markdown."""
        size = next((category for limit, category in SIZE_CATEGORIES if totals.packed < limit), LARGEST_SIZE_CATEGORY)
        head = ["---", f"pretty_name: {quoted(self.name)}", "license: other", "size_categories:", f"- {size}"]
        body = [
            f"# {line(self.name)}",
            f"{tally.packed} images, {tally.content_bytes} bytes, from the crawl {line(self.crawl)}. "
            f"Packed as {self.format} on {self.made_at:%Y-%m-%d %H:%M} UTC.",
        ]
        if totals.missing:
            body.append(f"{tally.missing} more images are not here: their files were gone.")
        if note:
            body.append(note)
        if self.format in LOADER_CALLS:
            loader_call = LOADER_CALLS[self.format].format(file=self.filename)
            body += ["## Loading", f"```python\nfrom datasets import load_dataset\n\n{loading}\n```"]
        body += ["## Searched for", "\n".join(f"- {line(word)}" for word in self.keywords) or "No keywords."]
        body += [
            "## Licences",
            "As the source of each image named it; who uses an image answers for that use.",
            markdown_table("Licence", totals.licences),
            "## Formats",
            markdown_table("Format", totals.formats),
        ]
        validation = "Its images were not checked." if self.rules is None else rules_list(self.rules)
        body += ["## Checks", validation]
        return "\n".join([*head, "---", ""]) + "\n" + "\n\n".join(body) + "\n"


def rules_list(rules: Mapping[str, Any]) -> str:
    """The rules of a check as a list."""
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in rules.items() if value is not None]
    return "\n".join(["Images were checked by these rules:", "", *lines]) if lines else "Images open."


def markdown_table(title: str, counts: Counter[str]) -> str:
    """The counts as a Markdown table, the largest first."""
    rows = [f"| {line(name).replace('|', '/')} | {count} |" for name, count in counts.most_common(MAX_TABLE_ROWS)]
    if omitted := len(counts) - len(rows):
        rows.append(
            f"| {left} others | {counts.total() - sum(n for _, n in counts.most_common(MOST_ROWS))} |"
        )
    return "\n".join([f"| {title} | Images |", "| --- | ---: |", *(rows or [f"| {UNKNOWN} | 0 |"])])


def escape(text: str) -> str:
    """Text of others on one line, and not taken for markup."""
    return " ".join(text.split()).replace("<", "&lt;").replace("`", "'")


def yaml_string(text: str) -> str:
    """A YAML string: JSON's strings are."""
    return orjson.dumps(text).decode()
