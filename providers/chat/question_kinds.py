"""What English questions ask for, such as a person or a price, and whether a sentence holds such a thing."""

import re
from enum import Enum

from providers.chat.lexical_matching import STOP_WORDS, stems


class QuestionKind(Enum):
    """What a question asks for."""

    MONEY = "money"
    PERCENTAGE = "percentage"
    DURATION = "duration"
    AGE = "age"
    MEASURE = "measure"
    """A length, an area, a weight, a speed, a temperature, and the like."""
    COUNT = "count"
    YEAR = "year"
    TIME = "time"
    REASON = "reason"
    PERSON = "person"
    PLACE = "place"
    NAME = "name"
    """The name of a thing."""
    YES_NO = "yes_no"
    OTHER = "other"
    """Anything else, such as an explanation."""


ASKS_FOR = {
    QuestionKind.MONEY: r"how (?:much|many) (?:money|dollars|euros|pounds)|how expensive|how much (?:did|does|do|is|was|"
    r"were|would|will|has|have)\b.*\b(?:cost|pay|paid|spend|spent|earn|worth|charge|sell|sold|donate|invest|lose|make)"
    r"|what (?:is|was|were|are|did|does) .*\b(?:price|cost|fee|salary|fine|budget|revenue|income|wage)"
    r"|(?:price|salary|fee|budget|cost)\b",
    QuestionKind.PERCENTAGE: r"percent|per cent|what (?:share|proportion|fraction)|what portion",
    QuestionKind.DURATION: r"how long (?!is the|are the|was the (?:river|bridge|wall|road|canal|tunnel))"
    r"|how many (?:years|months|weeks|days|hours|minutes|seconds|decades|centuries)\b|for how long|how much time",
    QuestionKind.AGE: r"how old|(?:what|which) age|at what age",
    QuestionKind.MEASURE: r"how (?:far|tall|high|wide|deep|big|large|heavy|fast|hot|cold|long|close|thick|strong)\b"
    r"|how many (?:miles|kilomet|met(?:er|re)s|feet|acres|square|hectares|tons|tonnes|pounds|kilograms|degrees|litres)"
    r"|what (?:is|was|are|were) the (?:\w+ )?(?:height|length|width|depth|area|weight|speed|temperature|distance|size)",
    QuestionKind.COUNT: r"how (?:many|much|often|few)\b|(?:what|which) number|what (?:is|was) the (?:\w+ )?population"
    r"|(?:what|which) (?:is|was) the (?:\w+ )?number",
    QuestionKind.YEAR: r"(?:what|which) year",
    QuestionKind.TIME: r"\bwhen(?:'s)? (?:exactly )?(?:did|does|do|was|were|is|are|will|has|have|had|can|could|would|should)\b"
    r"|^when\b|(?:what|which) (?:date|day|month|decade|century|season|era|time|period)"
    r"|since when|until when|how (?:late|early|recent)",
    QuestionKind.REASON: r"\bwhy\b|for what (?:reason|purpose)|what (?:is|was|were|are) the (?:\w+ )?(?:reason|cause|purpose)"
    r"|how come|what (?:caused|motivated|prompted)",
    QuestionKind.PERSON: r"\bwho(?:m|se|s|'s)?\b|(?:what|which) (?:\w+ )?(?:person|president|king|queen|emperor|scientist|"
    r"author|writer|architect|player|coach|actor|actress|singer|director|leader|politician|minister|inventor|composer|"
    r"artist|man|woman|general|pope|bishop|engineer|professor|mathematician|philosopher|physicist|quarterback)s?\b",
    QuestionKind.PLACE: r"\bwhere\b|(?:what|which) (?:\w+ )?(?:city|cities|country|countries|state|place|town|region|continent|"
    r"river|province|county|island|street|location|nation|capital|district|sea|ocean|lake|mountain|airport)s?\b",
    QuestionKind.NAME: r"(?:what|which) (?:is|was|are|were) the names?|(?:what|which) (?:\w+ )?(?:company|team|university|"
    r"organi[sz]ation|book|film|movie|newspaper|school|college|party|language|group|band|agency|award|battle|war|treaty|"
    r"station|network|museum|church|religion|game|show|series|ship|bank|club|stadium|hotel)\b|what .*\b(?:called|named)\b",
}
"""What a question of each kind holds, in lower case; the first kind that fits counts."""
PATTERNS = {kind: re.compile(pattern) for kind, pattern in ASKS_FOR.items()}
YES_NO = re.compile(
    r"^(?:and |so |but )?(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)\b"
)

CARDINAL = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|"
    r"millions?|billions?|dozens?|several|both|half|a (?:single|couple|pair|few))"
)
MONTHS = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
)
YEAR = r"(?:1\d{3}|20\d\d|\d{1,4} ?(?:bc|bce|ad|ce)|ad \d{1,4}|\d{4}s)"
UNITS = (
    r"(?:kilomet(?:er|re)s?|met(?:er|re)s?|centimet(?:er|re)s?|millimet(?:er|re)s?|km2?|cm|mm|m|miles?|mi|feet|foot|ft|"
    r"inch(?:es)?|yards?|acres?|hectares?|square|sq|cubic|tons?|tonnes?|kilograms?|kg|grams?|g|pounds?|lbs?|ounces?|mph|"
    r"degrees?|celsius|fahrenheit|litres?|liters?|gallons?|volts?|watts?|kw|mw|hp|bytes?|bits?|times|fold|"
    r"storeys?|stories|knots|bar|psi|percent|%|\u00b0c?|\u00b0f?)"
)
HOLDS = {
    QuestionKind.MONEY: r"[$\u20ac\u00a3\u00a5]|\b(?:dollars?|euros?|pounds?|cents?|francs?|marks?|yen|usd|eur|free|shillings?)\b",
    QuestionKind.PERCENTAGE: rf"%|\bper ?cent|\b(?:half|third|quarter|fifth|tenth|majority|most|all|none)s?\b|\b{CARDINAL} (?:out )?(?:of|in)\b",
    QuestionKind.DURATION: rf"\b(?:{CARDINAL}|a|an|few|many|several)[ -](?:\w+[ -])?(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|"
    rf"decades?|centur(?:y|ies)|millenni(?:a|um)|yards?|games?|seasons?|generations?)\b|\b(?:until|from|between|since)\b.*\b{YEAR}",
    QuestionKind.AGE: rf"\b{CARDINAL}[ -]years?[ -]old|\bage[ds]?\b|\b(?:at|is|was|turned) \d{{1,3}}\b|\b{CARDINAL}[ -](?:million |billion )?years?\b",
    QuestionKind.MEASURE: rf"\b{CARDINAL}[ -]?(?:\w+[ -])?{UNITS}(?!\w)|\d",
    QuestionKind.COUNT: rf"\b{CARDINAL}\b|\b(?:once|twice|thrice|no|none|only|single|many|first|second|third)\b",
    QuestionKind.YEAR: rf"\b{YEAR}\b",
    QuestionKind.TIME: rf"\b{YEAR}\b|\b{MONTHS}\b(?! be\b)|\bcentur(?:y|ies)\b|\b\d{{1,2}}(?:st|nd|rd|th)\b|\d0s\b|\b(?:mon|tues|wednes|"
    r"thurs|fri|satur|sun)day|\b(?:spring|summer|autumn|winter|fall|today|now|tonight|yesterday|currently|modern|recent(?:ly)?|"
    r"morning|evening|noon|midnight|dawn|dusk|night|weekly|daily|annually|a\.m|p\.m|ago|era|period|age|dynasty|war|reign|"
    r"after|before|during|when|while|until|since|once|later|earlier|early|late|time)\b",
    QuestionKind.REASON: r"\b(?:because|due|since|so that|in order|as a result|result(?:s|ed|ing)? (?:in|from)|cause[ds]?|causing|reasons?|"
    r"therefore|thus|hence|owing|thanks|le[ad]d?s? to|purpose|as|for|to \w+|by|allow\w*|enabl\w*|mean[ts]?|makes?|made|"
    r"attribut\w*|consequen\w*|fear\w*|want\w*|hop(?:e|ed|ing)|intend\w*|aim\w*|believ\w*|avoid\w*|prevent\w*|without|"
    r"if|when|which|although|despite|given)\b",
}
FOUND = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in HOLDS.items()}
CAPITALIZED = re.compile(r"[^\W\d_a-z][\w'\u2019.&-]*")
QUOTED = re.compile(r"[\"\u201c\u00ab'\u2018](\w[^\"\u201d\u00bb]{2,60})[\"\u201d\u00bb'\u2019]")
NAMELESS = STOP_WORDS | {"i", "however", "although", "after", "before", "during", "since", "while", "both", "one", "some", "many"}


def question_kind(question: str) -> QuestionKind:
    """What the question asks for."""
    text = " ".join(question.lower().split())
    if YES_NO.search(text):
        return QuestionKind.YES_NO
    return next((kind for kind, pattern in PATTERNS.items() if pattern.search(text)), QuestionKind.OTHER)


def holds_kind(kind: QuestionKind, question: str, sentence: str) -> bool:
    """Whether the sentence holds a thing of the kind that the question does not name itself."""
    if kind in FOUND:
        asked = {match.group().lower() for match in FOUND[kind].finditer(question)}
        return any(match.group().lower() not in asked for match in FOUND[kind].finditer(sentence))
    if kind in (QuestionKind.PERSON, QuestionKind.PLACE, QuestionKind.NAME):
        return bool(new_names(question, sentence))
    return True


def new_names(question: str, sentence: str) -> list[str]:
    """Capitalized words and quoted titles of the sentence of which the question holds no stem."""
    known = stems(question)
    names = [word for word in CAPITALIZED.findall(sentence) if word.lower() not in NAMELESS]
    titles = QUOTED.findall(sentence)
    return [name for name in (*names, *titles) if not stems(name) <= known]
