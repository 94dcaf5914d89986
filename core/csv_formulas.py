"""Cells of CSV files that spreadsheets would evaluate as formulas."""

from typing import Any

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(value: Any) -> Any:
    """The cell as text that spreadsheets do not evaluate. Numbers stay as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_PREFIXES) else value
