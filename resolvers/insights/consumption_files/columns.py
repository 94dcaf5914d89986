"""What the columns of a table hold, by their contents and names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import polars as pl

from resolvers.insights.consumption_files import moments
from resolvers.insights.consumption_files.numbers import as_number, number_share, parse_numbers
from resolvers.insights.consumption_files.tables import Table
from resolvers.insights.consumption_files.units import parse_unit

SAMPLE_CELLS = 400
CLOCK = rf"^{moments.CLOCK}(\s*[AaPp]\.?[Mm]\.?)?(\s?(-|\u2013|bis|to)\s?{moments.CLOCK})?$"
COST = re.compile(
    r"cost|kosten|preis|price|betrag|amount|\beur\b|€|\busd\b|\$|£|\bchf\b|\bgbp\b|co[uû]t|coste|importe|precio"
    r"|prix|montant|tarif|steuer|\btax\b|rechnung|invoice|fee|geb[uü]hr",
    re.I,
)
OTHER = re.compile(
    r"temp|°|humid|feucht|druck|press|co2|emission|kvar|react|blind|cos|factor|volt|\bamp|spannung|status|qualit"
    r"|\bnr\b|\bno\b|\bid\b|lfd|\brow\b|wochentag|weekday|\btage?\b|\bdays?\b|\barea|fläche|m²|%|percent|occup"
    r"|st[uü]ck|pieces|units produced|degree|gradtag|hdd|latitude|longitude|version|plz|zip|kva\b",
    re.I,
)
PLANNED = re.compile(r"forecast|prognos|pr[ée]vis|plan\b|budget|\bsoll\b|target|vorjahr|previous|ziel", re.I)
FEED_IN = re.compile(r"einspeis|feed.?in|export|rückliefer|rückspeis|inject|inyec|vertid|abgabe", re.I)
RENEWABLE = re.compile(r"renew|solar|\bpv\b|photovolt|wind|green|erneuer|hydro|regener", re.I)
ENERGY = re.compile(
    r"consum|verbrauch|bezug|usage|energy|energie|energ[ií]a|import|consommation|arbeit|strommenge|conso\b",
    re.I,
)
POWER = re.compile(r"\bload\b|\blast\b|lastgang|demand|leistung|power|puissance|potencia|\bkw\b|\bmw\b", re.I)
REGISTER = re.compile(
    r"stand\b|zählerstand|register|reading|\bindex\b|relev|lectura|lettura|odomet|cumul|kumul|counter", re.I
)
TOTAL = re.compile(r"total|summe|gesamt|\bsum\b|somme|overall|insgesamt|\ball\b", re.I)
PART = re.compile(
    r"meter|zähler|compteur|contador|contatore|\bht\b|\bnt\b|peak|building|gebäude|halle|bâtiment|edificio|floor|line|linie"
    r"|phase|\bl[123]\b|site|werk|plant|tag\b|nacht|day|night|heures|punta|valle|llano|\bp[1-6]\b|unit",
    re.I,
)
START = re.compile(r"\b(von|from|start|begin\w*|début|debut|desde|inicio|ab|de)\b", re.I)
END = re.compile(r"\b(bis|to|end|ende|fin|until|hasta|au|a|à)\b", re.I)
SLOT = re.compile(r"hour|stunde|heure|hora|interval|slot|period|viertel|\bhe\b|sp\b|settlement|block", re.I)
MONTH_NAME = re.compile(r"month|monat|mois|mes\b|mese\b", re.I)
YEAR_NAME = re.compile(r"year|jahr|ann[ée]e|año", re.I)


class Content(Enum):
    """What most filled cells of a column are."""

    MOMENT = auto()
    CLOCK = auto()
    NUMBER = auto()
    UNIT = auto()
    TEXT = auto()
    EMPTY = auto()


@dataclass(frozen=True)
class Columns:
    """The places of a table's columns by their roles. `values` are those that may be the consumption."""

    start: int | None
    end: int | None = None
    time: int | None = None
    slot: int | None = None
    year: int | None = None
    meter: int | None = None
    unit: int | None = None
    renewable: int | None = None
    values: tuple[int, ...] = ()
    costs: tuple[int, ...] = field(default=())


def content_of(texts: pl.Series) -> Content:
    """What most filled cells of a column are."""
    filled = texts.filter(texts != "")
    if not filled.len():
        return Content.EMPTY
    sample = filled if filled.len() <= SAMPLE_CELLS else filled.gather_every(filled.len() // SAMPLE_CELLS)
    if as_number(sample.str.contains(CLOCK).mean()) > 0.8:
        return Content.CLOCK
    if (share := number_share(sample)) < 0.5 or looks_dated(sample):
        dated = max(
            as_number(moments.parse_moments(sample, first)["start"].is_not_null().mean())
            for first in (True, False)
        )
        if dated > 0.5:
            return Content.MOMENT
    if share > 0.5:
        return Content.NUMBER
    units = [parse_unit(cell) for cell in sample.unique().to_list()]
    return Content.UNIT if all(units) else Content.TEXT


def looks_dated(sample: pl.Series) -> bool:
    """Whether texts that may be numbers are dates: 20240131, 01.2024, 31.01.24."""
    compact, month = r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])", r"(0?[1-9]|1[0-2])\.(19|20)\d{2}"
    pattern = rf"^({compact}|{month}|\d{{1,2}}\.\d{{1,2}}\.(\d{{2}}|\d{{4}}))$"
    return as_number(sample.str.contains(pattern).mean()) > 0.9


def find_columns(table: Table) -> Columns:
    """The roles of a table's columns."""
    width = table.cells.width
    contents = [content_of(table.column(number)) for number in range(width)]
    names = table.names
    dated = [number for number in range(width) if contents[number] is Content.MOMENT]
    numeric = [number for number in range(width) if contents[number] is Content.NUMBER]
    start = dated[0] if dated else find_bare_moments(table, numeric)
    numeric = [number for number in numeric if number != start]
    end = find_end(table, dated)
    if end is not None and start is not None and END.search(names[start]) and START.search(names[end]):
        start, end = end, start
    clocks = [number for number in range(width) if contents[number] is Content.CLOCK]
    time = clocks[0] if clocks else None
    year = next((number for number in numeric if is_year(table, number)), None) if start is not None else None
    slot = find_slot(table, start, [n for n in numeric if n != year]) if time is None else None
    numeric = [number for number in numeric if number not in (slot, year)]
    units = [number for number in range(width) if contents[number] is Content.UNIT]
    texts = [number for number in range(width) if contents[number] is Content.TEXT]
    return Columns(
        start=start,
        end=end,
        time=time,
        slot=slot,
        year=year,
        unit=units[0] if units else None,
        meter=find_meter(table, start, texts, numeric),
        renewable=next((n for n in numeric if RENEWABLE.search(names[n]) and len(numeric) > 1), None),
        values=find_values(names, numeric),
        costs=tuple(number for number in numeric if COST.search(names[number])),
    )


def find_bare_moments(table: Table, numeric: Sequence[int]) -> int | None:
    """The column of bare numbers that are instants: years, seconds since 1970 or a workbook's days."""
    if numeric and numeric[0] == 0 and len(numeric) > 1:
        years = table.column(0)
        if as_number(years.str.contains(r"^(19|20)\d\d$").mean()) == 1.0 and years.is_unique().all():
            return 0
    for number in numeric:
        parsed = moments.parse_bare_numbers(table.column(number))["start"]
        named = not ENERGY.search(table.names[number]) and table.names[number].lower() != "kwh"
        if number == 0 and named and as_number(parsed.is_not_null().mean()) > 0.95 and parsed.n_unique() > 1:
            rising = (parsed.drop_nulls().diff().dt.total_seconds() >= 0).mean()
            if as_number(rising) > 0.9:
                return number
    return None


def find_end(table: Table, dated: Sequence[int]) -> int | None:
    """The second column of instants, if it ends the intervals that the first one begins."""
    if len(dated) < 2:
        return None
    one, two = (moments.parse_moments(table.column(n), True)["start"] for n in dated[:2])
    later, earlier = (two >= one).mean(), (two <= one).mean()
    named = any(END.search(table.names[number]) or START.search(table.names[number]) for number in dated[:2])
    return dated[1] if named or max(as_number(later), as_number(earlier)) > 0.9 else None


def is_year(table: Table, number: int) -> bool:
    """Whether a column holds years beside one with months."""
    whole = as_number(table.column(number).str.contains(r"^(19|20)\d\d$").mean()) > 0.95
    return whole and YEAR_NAME.search(table.names[number]) is not None


def find_slot(table: Table, start: int | None, numeric: Sequence[int]) -> int | None:
    """The column that numbers the intervals of a day."""
    for number in numeric[:3]:
        if SLOT.search(table.names[number]) and start is not None:
            values = table.column(number).cast(pl.Int64, strict=False)
            if values.null_count() == 0 and values.n_unique() <= 100 and as_number(values.max()) <= 100:
                return number
    return None


def find_meter(table: Table, start: int | None, texts: Sequence[int], numeric: Sequence[int]) -> int | None:
    """The column that tells apart the meters of one instant."""
    if start is None:
        return None
    for number in (
        *texts,
        *(n for n in numeric if PART.search(table.names[n]) and not parse_unit(table.names[n])),
    ):
        values = table.column(number)
        repeated = 1 < values.n_unique() <= max(2, table.cells.height // 2)
        if repeated and PART.search(table.names[number]) and (values != "").all():
            return number
    for number in texts:
        values = table.column(number)
        if 1 < values.n_unique() <= 50 and (values != "").all():
            keys = [str(start), str(number)]
            if (
                table.cells.select(keys).is_duplicated().sum() == 0
                and table.cells[str(start)].is_duplicated().any()
            ):
                return number
    return None


def find_values(names: Sequence[str], numeric: Sequence[int]) -> tuple[int, ...]:
    """The columns that may hold consumption: those that name a unit of energy or power, else the others."""
    left = [
        n
        for n in numeric
        if not COST.search(names[n]) or (parse_unit(names[n]) and not re.search(r"/\s?k?wh", names[n], re.I))
    ]
    left = [n for n in left if not FEED_IN.search(names[n])]
    left = [n for n in left if not PLANNED.search(names[n])] or left
    with_unit = [n for n in left if parse_unit(names[n])]
    plain = with_unit or [n for n in left if not OTHER.search(names[n])]
    named = [
        n
        for n in plain
        if ENERGY.search(names[n])
        or POWER.search(names[n])
        or REGISTER.search(names[n])
        or TOTAL.search(names[n])
        or PART.search(names[n])
    ]
    found = with_unit or named or plain
    own = [n for n in found if not RENEWABLE.search(names[n])] or found
    energy = [n for n in own if (unit := parse_unit(names[n])) and unit.is_energy]
    return tuple(energy if energy and len(energy) < len(own) else own)


def column_values(table: Table, number: int, decimal_comma: bool) -> pl.Series:
    comma = decimal_comma and number not in table.typed
    return table.cells.select(parse_numbers(pl.col(str(number)), comma).alias("value"))["value"]
