"""Numbers and dates of workbooks as their number formats show them."""

import re
from datetime import date, datetime, time, timedelta

BUILT_IN_FORMATS = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0",
    38: "#,##0",
    39: "#,##0.00",
    40: "#,##0.00",
}
"""Formats without a code in the file. Dates are absent: they depend on the country, and become ISO dates."""
CURRENCY = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
BRACKETS = re.compile(r"\[[^\]]*\]")
QUOTED = re.compile(r'"([^"]*)"|\\(.)|[_*].')
PLACEHOLDERS = re.compile(r"[#0?][#0?,]*(?:\.[#0?]*)?")
DATE_TOKEN = re.compile(
    r'"[^"]*"|\\.|am/pm|a/p|yyyy|yy|mmmmm|mmmm|mmm|mm|m|dddd|ddd|dd|d|hh|h|ss|s|[^a-z"\\]', re.IGNORECASE
)
DATE_NAMES = {"yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "dddd": "%A", "ddd": "%a", "ss": "%S"}


def format_value(value: object, code: str) -> str:
    """A cell's value as text; without a known format code as it is stored, dates as ISO dates."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime | date | time):
        return _format_date(value, code)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, int | float):
        return _format_number(value, code) or _plain_number(value)
    return str(value)


def _plain_number(value: float) -> str:
    """A number without the digits that binary fractions add."""
    if not float(value).is_integer():
        text = f"{value:.15g}"
        return text if "e" not in text else repr(value)
    return str(int(value)) if abs(value) < 1e15 else f"{value:.15g}"


def _format_number(value: float, code: str) -> str | None:
    """The number in its format; None if the format is unknown, general or conditional."""
    sections = [section for section in code.split(";") if section]
    if not sections or "general" in code.lower() or "@" in sections[0] or "/" in sections[0]:
        return None
    negative = value < 0 and len(sections) > 1
    section = CURRENCY.sub(lambda match: f'"{match[1]}"', sections[1 if negative else 0])
    section = BRACKETS.sub("", section)
    bare = QUOTED.sub("", section)
    match = PLACEHOLDERS.search(bare)
    if match is None or "E" in bare.upper() or len(PLACEHOLDERS.findall(bare)) != 1:
        return None
    pattern = match[0]
    scale = len(pattern) - len(pattern.rstrip(",."))
    if scale and pattern.endswith(","):
        return None
    decimals = len(pattern.partition(".")[2])
    number = abs(value) if negative else value
    if "%" in bare:
        number *= 100
    text = f"{number:{',' if ',' in pattern.partition('.')[0] else ''}.{decimals}f}"
    if "#" in pattern.partition(".")[2]:
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return _literals(section, text)


def _literals(section: str, number: str) -> str:
    """The number with the currency, percent sign and words around it."""
    parts: list[str] = []
    position, placed = 0, False
    while position < len(section):
        quoted = QUOTED.match(section, position)
        match = PLACEHOLDERS.match(section, position)
        if quoted:
            parts.append(quoted[1] or quoted[2] or "")
            position = quoted.end()
        elif match:
            parts += [] if placed else [number]
            placed, position = True, match.end()
        else:
            parts.append(section[position])
            position += 1
    text = "".join(parts).strip()
    if number.startswith("-") and not text.startswith("-"):
        text = "-" + text.replace("-", "", 1)
    return text


def _format_date(value: date | time, code: str) -> str:
    """A date in its format, as an ISO date if the format depends on the country."""
    section = BRACKETS.sub("", code.split(";")[0])
    tokens = DATE_TOKEN.findall(section)
    if "".join(tokens) != section or not any(token[0].lower() in "ymdhs" for token in tokens):
        return _iso(value)
    if isinstance(value, time):
        value = datetime.combine(date(1900, 1, 1), value)
    noon = any(token.lower() in ("am/pm", "a/p") for token in tokens)
    parts = []
    for index, token in enumerate(tokens):
        name = token.lower()
        if name in ("m", "mm") and _is_minute(tokens, index):
            parts.append(value.strftime("%M"))
        elif name in ("am/pm", "a/p"):
            parts.append(value.strftime("%p"))
        elif name in DATE_NAMES:
            parts.append(value.strftime(DATE_NAMES[name]))
        elif name[0] in "mdhs" and len(name) <= 2:
            hour = "%I" if noon else "%H"
            text = value.strftime({"m": "%m", "d": "%d", "h": hour, "s": "%S"}[name[0]])
            parts.append(text if len(name) == 2 else str(int(text)))
        else:
            parts.append(token.strip('"').removeprefix("\\"))
    return "".join(parts).strip()


def _is_minute(tokens: list[str], index: int) -> bool:
    """Whether a month's token means minutes: after hours, or before seconds."""
    letters = [token.lower() for token in tokens[:index] if token[0].isalpha()]
    following = [token.lower() for token in tokens[index + 1 :] if token[0].isalpha()]
    return letters[-1:] in (["h"], ["hh"]) or following[:1] in (["s"], ["ss"])


def _iso(value: date | time) -> str:
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "auto").removesuffix(":00")
    return value.isoformat()
