"""Rules for changes that are critical: words with the context that gives them that meaning."""

import re
from dataclasses import dataclass

from core.ports import Evidence

HAZARDOUS_VOLTS = 50.0


@dataclass(frozen=True)
class Rule:
    """Texts that `pattern` matches concern `subject`, unless `unless` matches the same line."""

    subject: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def match(self, text: str) -> str | None:
        """The words that make a text critical, or None."""
        found = self.pattern.search(text)
        return found[0].strip() if found and not (self.unless and self.unless.search(text)) else None


@dataclass(frozen=True)
class CriticalReason:
    """What makes a change critical: its subject, and the words that show it."""

    subject: str
    words: str


def rule(subject: str, pattern: str, unless: str | None = None) -> Rule:
    """A rule of whole words, in any case."""
    compiled = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    exception = re.compile(rf"\b(?:{unless})\b", re.IGNORECASE) if unless else None
    return Rule(subject, compiled, exception)


FIRE, STRUCTURE, ACCESS, POWER = "fire safety", "structure", "accessibility", "electricity"
GAS, HAZARD, FALL = "gas", "hazardous material", "fall protection"

ELECTRONICS = (
    r"\d(?:\.\d+)?\s*V\s+RAIL|RAMP(?:[- ]?(?:UP|DOWN))?\s+(?:RATE|TIME|OF\s+THE|SIGNAL|GENERATOR)"
    r"|RAMPS?\s+UP|RAMPS?\s+DOWN\s+"
    r"(?:THE|RATE)|PWM|DAC|ADC|GPIO|SLEW|SOFT[- ]?START|PCB|MCU|FIRMWARE|SOFTWARE|CLOCK|EVENT|CODE"
    r"|CLICK|MENU|DOWNLOAD"
)

RULES = (
    rule(
        FIRE,
        r"FIRE[- ]?(?:RATED|RATING|DOORS?|WALLS?|BARRIERS?|DAMPERS?|EXTINGUISHERS?|HYDRANTS?|HOSE"
        r"|ALARMS?|PUMP|STOP(?:PING)?|"
        r"ESCAPE|EXIT|PARTITIONS?|RESIST(?:ANT|ANCE)|PROTECTION|SEPARATION|SERVICE|LANE|DEPARTMENT"
        r"|SHUTTERS?|COMPARTMENT|"
        r"CURTAIN|SPRINKLERS?|COMMAND|RISER|MAIN)|(?:EI|REI|F|T|R)[- ]?(?:30|60|90|120)(?:[- ]?RS)?"
        r"|\d+(?:\.\d+)?[- ]?(?:HR|HOUR|MIN(?:UTE)?)S?\.?[- ]+(?:FIRE[- ]+)?(?:RATED|RATING)"
        r"|UL\s+[UXWL]\d{3}",
        r"FIREWALL\s+(?:APPLIANCE|RULE|CONFIG\w*|ROUTER)|NETWORK|RACK|ROUTER|RESISTORS?|CAPACITORS?",
    ),
    rule(
        FIRE,
        r"(?:EMERGENCY|FIRE)\s+EXITS?|EXIT\s+(?:SIGNS?|DOORS?|ONLY|ACCESS|WIDTH|PASSAGEWAY|STAIRS?"
        r"|LIGHTS?|DISCHARGE|ROUTES?|"
        r"CORRIDOR|LIGHTING)|EXITS?|EGRESS(?:\s+WIDTH)?|MEANS\s+OF\s+EGRESS|ESCAPE\s+(?:ROUTE|WINDOW"
        r"|STAIR|HATCH)s?",
        ELECTRONICS + r"|EXIT\s+(?:CODE|STATUS|RAMP|LOOP|NODE|POINT|VI)|PROGRAM|LOOP|HIGHWAY",
    ),
    rule(FIRE, r"SPRINKLERS?(?:\s+HEADS?)?|STANDPIPES?", r"LAWN|IRRIGATION|GARDEN|LANDSCAPE|TURF"),
    rule(
        FIRE,
        r"(?:SMOKE|HEAT)\s+(?:DETECTORS?|ALARMS?|DAMPERS?|VENTS?|BARRIERS?|COMPARTMENTS?|CONTROL)"
        r"|PANIC\s+HARDWARE",
    ),
    rule(FIRE, r"STAIRS?(?:WELLS?|CASES?|WAYS?)?|STAIRWELLS?", r"STAIR\s+(?:CARPET|FINISH|STEP\s+SIGNAL)"),
    rule(FIRE, r"PULL\s+STATIONS?|FIRE\s+ALARM"),
    rule(
        FIRE,
        r"NOTAUSG(?:A|\u00c4|AE)NGE?|FLUCHT(?:WEGE?|T\u00dcR|TUER|TREPPE|FENSTER)|RETTUNGSWEGE?"
        r"|BRANDSCHUTZ\w*|BRANDW(?:A|\u00c4|AE)NDE?|"
        r"BRANDMELDER|RAUCHMELDER|FEUERL(?:\u00d6|OE)SCHER|RAUCHSCHUTZ\w*|TREPPENHAUS|RWA"
        r"|FEUERHEMMEND\w*|FEUERBEST(?:\u00c4|AE)NDIG\w*",
    ),
    rule(
        STRUCTURE,
        r"(?:NON[- ]?)?LOAD[- ]?BEARING|(?:LIVE|DEAD|SNOW|WIND|FLOOR|ROOF|DESIGN|SEISMIC|POINT|AXIAL"
        r"|UNIFORM|SUPERIMPOSED|CRANE)\s+LOADS?"
        r"|BEARING\s+(?:WALLS?|PLATES?|CAPACITY|PRESSURE)|SHEAR\s+(?:WALLS?|STUDS?|CONNECT(?:OR|ION)S?"
        r"|REINFORCEMENT|TABS?|PLATES?)"
        r"|MOMENT\s+(?:FRAMES?|CONNECTIONS?)|STRUCTURAL",
        r"STRUCTURAL\s+(?:ENGINEER|DRAWINGS?|NOTES?\s+SEE)|BALL\s+BEARING",
    ),
    rule(
        STRUCTURE,
        r"(?:W\d+\s?X\s?\d+\s+)?(?:BEAMS?|GIRDERS?|JOISTS?|LINTELS?|TRUSS(?:ES)?|RAFTERS?|PURLINS?)",
        r"LASER|LIGHT|BEAM\s+SPLITTER|OPTICAL|HIGH\s+BEAM|LOW\s+BEAM|ANTENNA|PATTERN|BEAM\s+DETECTOR"
        r"|PHOTOBEAM",
    ),
    rule(STRUCTURE, r"W\d{1,2}\s?X\s?\d{2,3}|HSS\s?\d+\s?X\s?\d+\S*|(?:HE[ABM]|IPE|UPN)\s?\d{2,3}"),
    rule(
        STRUCTURE,
        r"(?:STEEL|CONCRETE|RC|TIMBER|WOOD|STRUCTURAL|PRECAST)\s+COLUMNS?|COLUMNS?(?:\s+C\d+"
        r"|\s+\d+\s?X\s?\d+)?",
        r"COLUMN\s+(?:HEADERS?|NAMES?|TITLES?|WIDTH\s+OF\s+TABLE|CHART)|TABLE|SCHEDULE\s+COLUMN"
        r"|DATABASE|ROWS?|"
        r"DISTILLATION|SPREADSHEET|PIXEL",
    ),
    rule(
        STRUCTURE,
        r"FOOTINGS?|FOUNDATIONS?|PILES?|PILE\s+CAPS?|REBARS?|REINFORCEMENT|POST[- ]TENSION(?:ED|ING)?"
        r"|SHORING|UNDERPINNING",
        r"CARPET\s+PILE|STOCK\s*PILE|FOUNDATION\s+(?:PLANTING|NAME)",
    ),
    rule(
        STRUCTURE,
        r"(?:STRUCTURAL\s+|CONCRETE\s+|\d+\"?\s+)?SLABS?(?:\s+ON\s+GRADE)?",
        r"MARBLE|COUNTER\s?TOPS?|GRANITE|QUARTZ|STONE|SLAB\s+DOOR|PAVING",
    ),
    rule(
        STRUCTURE,
        r"(?:NICHT[- ]?)?TRAGENDE?[RNS]?|ST\u00dcTZEN?|STUETZEN?|STAHLTR\u00c4GER|UNTERZ(?:UG|\u00dcGE)"
        r"|FUNDAMENTE?|BEWEHRUNG|STURZ|"
        r"DECKENPLATTE|BODENPLATTE|STAHLBETON",
    ),
    rule(
        ACCESS,
        r"RAMPS?|WHEELCHAIRS?|(?:HANDICAP(?:PED)?|DISABLED)\s+(?:ACCESS|TOILET|PARKING|RAMP|WC)"
        r"|BARRIER[- ]FREE|CURB\s+(?:CUT|RAMP)S?|"
        r"GRAB\s+BARS?|TACTILE\s+(?:PAVING|WARNING|INDICATORS?)|TURNING\s+(?:CIRCLE|SPACE)",
        ELECTRONICS + r"|ON[- ]?RAMP|OFF[- ]?RAMP|HIGHWAY|TEMPERATURE|C/MIN|LOADING\s+RAMP",
    ),
    rule(
        ACCESS,
        r"ACCESSIBLE\s+(?:ROUTES?|TOILETS?|RESTROOMS?|PARKING|ENTRANCES?|STALLS?|PATH|UNITS?|RAMPS?|WC"
        r"|DOORS?|SEATING|SINKS?|COUNTERS?)|"
        r"ADA(?:[- ](?:COMPLIANT|ACCESSIBLE|ROUTE|TOILET|RAMP|PARKING|STALL|SIGNAGE|CLEARANCES?"
        r"|RESTROOM|DOOR|HEIGHT))",
    ),
    rule(
        ACCESS,
        r"RAMPEN?|BARRIEREFREI\w*|ROLLSTUHL\w*|BEHINDERTEN(?:GERECHT|WC|PARKPLATZ|TOILETTE)\w*",
        ELECTRONICS,
    ),
    rule(
        POWER,
        r"HIGH[- ]VOLTAGE|HOCHSPANNUNG|ARC\s+FLASH|(?:MAIN|EMERGENCY)\s+(?:DISCONNECT|SHUT[- ]?OFF)"
        r"|NOT-?AUS|SHORT[- ]CIRCUIT\s+CURRENT",
    ),
    rule(
        GAS,
        r"(?:NATURAL\s+|MEDICAL\s+|LP\s+)?GAS\s+(?:LINES?|PIP(?:E|ES|ING)|METERS?|MAINS?|VALVES?"
        r"|SHUT[- ]?OFF|DETECTORS?)|GASLEITUNG\w*",
    ),
    rule(
        HAZARD,
        r"ASBESTOS|LEAD[- ](?:PAINT|BASED)|PCB[- ]CONTAINING|RADON|ASBEST"
        r"|HAZ(?:ARDOUS)?[- ]?MAT(?:ERIALS?)?|FLAMMABLE|EXPLOSIVE|BIOHAZARD",
    ),
    rule(
        FALL,
        r"GUARD\s?RAILS?|HANDRAILS?|PARAPETS?|BALUSTRADES?|FALL\s+(?:ARREST|PROTECTION)"
        r"|ABSTURZSICHERUNG|GEL\u00c4NDER|HANDLAUF",
    ),
)
"""In the order of their urgency."""

VOLTAGE = re.compile(
    r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)\s*(k?)V(?:OLTS?|AC|DC)?(?![\w])", re.IGNORECASE
)


def find_critical(change: Evidence) -> CriticalReason | None:
    """What makes a change critical by its text: the lines that its words stand in, before and after."""
    lines = [change_line(change, new=True), change_line(change, new=False)]
    for critical_rule in RULES:
        for line in lines:
            if words := critical_rule.match(line):
                return CriticalReason(critical_rule.subject, words)
    return find_voltage(change)


def change_line(change: Evidence, *, new: bool) -> str:
    """The line that the words of a change stand in, or the words alone."""
    if new:
        return change.after or " ".join(change.words_added)
    return change.before or " ".join(change.words_removed)


def find_voltage(change: Evidence) -> CriticalReason | None:
    """A voltage that became another one, or a dangerous one that was added or removed."""
    removed, added = (
        {volts(match) for match in VOLTAGE.finditer(text)}
        for text in (change_line(change, new=False), change_line(change, new=True))
    )
    if removed == added:
        return None
    if removed and added and removed - added and added - removed:
        return CriticalReason(
            POWER, f"{voltage_text(max(removed - added))} becomes {voltage_text(max(added - removed))}"
        )
    dangerous = [value for value in removed ^ added if value >= HAZARDOUS_VOLTS]
    return CriticalReason(POWER, voltage_text(max(dangerous))) if dangerous else None


def volts(match: re.Match[str]) -> float:
    number = (
        match[1].replace(",", "")
        if re.fullmatch(r"\d{1,3}(?:,\d{3})+", match[1])
        else match[1].replace(",", ".")
    )
    return float(number) * (1000 if match[2] else 1)


def voltage_text(value: float) -> str:
    return f"{value:g} V"
