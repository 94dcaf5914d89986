"""Changes of words with the subject that makes them critical, by hand; None for those that are not.

The list is frozen: rules are written by its `TUNED` half, and the other half is reported.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelledChange:
    """The text of the changed lines before and after, and the subject that a careful person names."""

    before: str
    after: str
    subject: str | None


CHANGES = (
    LabelledChange("", "ramp up of the 3.3V rail", None),
    LabelledChange("RAMP DN 1:20", "RAMP DN 1:12", "accessibility"),
    LabelledChange("", "ADA COMPLIANT TOILET", "accessibility"),
    LabelledChange("", "ADA LOVELACE ROOM", None),
    LabelledChange("ACCESSIBLE ROUTE", "", "accessibility"),
    LabelledChange("", "SETTINGS ACCESSIBLE VIA MENU", None),
    LabelledChange("60 MIN FIRE DOOR", "90 MIN FIRE DOOR", "fire safety"),
    LabelledChange("", "INSTALL FIREWALL APPLIANCE IN RACK 2", None),
    LabelledChange("1-HR RATED WALL", "2-HR RATED WALL", "fire safety"),
    LabelledChange("RATED CURRENT 5A", "RATED CURRENT 6A", None),
    LabelledChange("EXIT SIGN", "", "fire safety"),
    LabelledChange("EXIT CODE 0", "EXIT CODE 1", None),
    LabelledChange('EGRESS WIDTH 44"', 'EGRESS WIDTH 36"', "fire safety"),
    LabelledChange("STAIR 2", "STORE 2", "fire safety"),
    LabelledChange("SPRINKLER HEAD TYP.", "", "fire safety"),
    LabelledChange("LAWN SPRINKLER ZONE 3", "LAWN SPRINKLER ZONE 4", None),
    LabelledChange("W12X26 BEAM", "W12X30 BEAM", "structure"),
    LabelledChange("LASER BEAM PATH", "LASER BEAM PATH 2", None),
    LabelledChange("", "LOAD-BEARING WALL", "structure"),
    LabelledChange("DOWNLOAD SPEED 5 MB", "DOWNLOAD SPEED 6 MB", None),
    LabelledChange("LIVE LOAD 50 PSF", "LIVE LOAD 40 PSF", "structure"),
    LabelledChange("LOADING DOCK 1", "LOADING DOCK 2", None),
    LabelledChange("CONCRETE COLUMN C4", "STEEL COLUMN C4", "structure"),
    LabelledChange("COLUMN HEADER: QTY", "COLUMN HEADER: AMOUNT", None),
    LabelledChange("FOOTING 900 x 900", "FOOTING 600 x 600", "structure"),
    LabelledChange("FOOTNOTE 3", "FOOTNOTE 4", None),
    LabelledChange("BEARING N 45 E", "BEARING N 46 E", None),
    LabelledChange("BEARING WALL", "PARTITION WALL", "structure"),
    LabelledChange('REBAR #4 @ 12" O.C.', 'REBAR #4 @ 18" O.C.', "structure"),
    LabelledChange("BALL BEARING 608", "BALL BEARING 6000", None),
    LabelledChange("PANEL A 120V", "PANEL A 277V", "electricity"),
    LabelledChange("VDD 3.3V", "VDD 5V", "electricity"),
    LabelledChange("", "HIGH VOLTAGE", "electricity"),
    LabelledChange("", "VOLTAGE DROP CALCULATION SEE E-501", None),
    LabelledChange("", "REVIEWED BY D. EXITER", None),
    LabelledChange("", "EMERGENCY EXIT ONLY", "fire safety"),
    LabelledChange("SMOKE DETECTOR", "", "fire safety"),
    LabelledChange("ALARM CLOCK SHELF", "CLOCK SHELF", None),
    LabelledChange("FIRE ALARM PANEL", "ALARM PANEL", "fire safety"),
    LabelledChange("EVENT FIRES ON CLICK", "EVENT FIRES ON HOVER", None),
    LabelledChange("STORE 104", "OFFICE 104", None),
    LabelledChange("TRAGENDE WAND", "NICHTTRAGENDE WAND", "structure"),
    LabelledChange("NOTAUSGANG", "AUSGANG", "fire safety"),
    LabelledChange("FARBE RAL 9010", "FARBE RAL 9016", None),
    LabelledChange("T30-RS TUER", "T90-RS TUER", "fire safety"),
    LabelledChange("RAMPE 6 %", "RAMPE 10 %", "accessibility"),
    LabelledChange("", "RAMP RATE 5 C/MIN", None),
    LabelledChange("FLUCHTWEG", "FLUR", "fire safety"),
    LabelledChange("SHEAR WALL SW-1", "SHEAR WALL SW-2", "structure"),
    LabelledChange("MEAT SHEAR TABLE", "TABLE", None),
    LabelledChange('6" SLAB ON GRADE', '4" SLAB ON GRADE', "structure"),
    LabelledChange("MARBLE SLAB COUNTERTOP", "QUARTZ COUNTERTOP", None),
    LabelledChange('TRUSS @ 24" O.C.', 'TRUSS @ 16" O.C.', "structure"),
    LabelledChange('GAS LINE 2"', 'GAS LINE 1"', "gas"),
    LabelledChange("GASKET TYPE A", "GASKET TYPE B", None),
    LabelledChange("", "ASBESTOS ABATEMENT AREA", "hazardous material"),
    LabelledChange('GUARDRAIL 42" HIGH', 'GUARDRAIL 36" HIGH', "fall protection"),
    LabelledChange("HEADROOM 2100", "HEADROOM 1900", None),
    LabelledChange("POWER RAIL 12V", "POWER RAIL 12V TP3", None),
    LabelledChange("CLEAR EXIT WIDTH 1200", "CLEAR EXIT WIDTH 900", "fire safety"),
    LabelledChange("FIRE EXTINGUISHER", "FE CABINET", "fire safety"),
    LabelledChange("FIREPLACE", "BOOKSHELF", None),
    LabelledChange("THREE WAY STREET CORNER", "STREET CORNER", None),
    LabelledChange("", "FIRE PUMP ROOM", "fire safety"),
)

TUNED = [change for index, change in enumerate(CHANGES) if index // 2 % 2 == 0]
REPORTED = [change for index, change in enumerate(CHANGES) if index // 2 % 2]

LATER = (
    LabelledChange("GUARDRAIL", "CABLE RAIL", "fall protection"),
    LabelledChange("", "VOLTAGE REGULATOR 5V TO 3.3V", None),
    LabelledChange("208V 3PH", "480V 3PH", "electricity"),
    LabelledChange("20 MIN DOOR", "45 MIN DOOR", "fire safety"),
    LabelledChange("FD 1.05", "D 1.05", None),
    LabelledChange("", "BEAM ABOVE", "structure"),
    LabelledChange("COLUMN 400x400", "COLUMN 300x300", "structure"),
    LabelledChange("EXISTING FOUNDATION TO REMAIN", "", "structure"),
    LabelledChange("NEW STEEL LINTEL L4X4", "NEW STEEL LINTEL L3X3", "structure"),
    LabelledChange("RAMP UP", "", "accessibility"),
    LabelledChange("", "WHEELCHAIR LIFT", "accessibility"),
    LabelledChange("DATA COLUMN B", "DATA COLUMN C", None),
    LabelledChange("LOAD SWITCH U4", "LOAD SWITCH U5", None),
    LabelledChange("", "EXIT TO ROOF", "fire safety"),
    LabelledChange("FIRE RATED GLAZING", "CLEAR GLAZING", "fire safety"),
    LabelledChange("CEILING HEIGHT 2.70", "CEILING HEIGHT 2.50", None),
    LabelledChange("SLAB EDGE", "", "structure"),
    LabelledChange("CAMP FIRE CIRCLE", "BENCH", None),
    LabelledChange("TRAGENDE STAHLBETONWAND", "", "structure"),
    LabelledChange("RAUCHMELDER", "", "fire safety"),
    LabelledChange("WET SPRINKLER SYSTEM", "DRY SPRINKLER SYSTEM", "fire safety"),
    LabelledChange("PAINT PT-1", "PAINT PT-2", None),
    LabelledChange("GAS STRUT", "GAS SPRING", None),
    LabelledChange("EXIT LIGHT", "EXIT LIGHT RELOCATED", "fire safety"),
)
"""Written after the rules."""
