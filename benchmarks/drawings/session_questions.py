"""Questions about a drawing session from templates, in English and German, with the truth from its rows.

Written before the patterns that answer them. The judgement knows the rows and the text of an answer only.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core.ports import Evidence
from db.models import SheetState
from providers.vision.wording import sentence
from resolvers.chat.session_rows import ChangeRow, Page, SessionRows, SheetRow

LANGUAGES = ("en", "de")
MAX_REQUIRED_CHANGES = 5
"""Changes of a sheet, the largest first, that a list of its changes must hold."""


@dataclass(frozen=True)
class Case:
    """A question, what its answer must say, and the sheets that it may be about."""

    text: str
    template: str
    required: tuple[str, ...]
    sheets: frozenset[str]
    """The sheets that are cited; none if the answer is that there is no such sheet."""
    verdict: str | None = None
    """`Yes` or `No`, if the question asks for one."""
    forbidden: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()
    """Further sheets that may be named."""


@dataclass(frozen=True)
class AnswerText:
    """What is judged of an answer."""

    text: str
    cited: frozenset[str]


@dataclass
class Score:
    """Questions, right answers, and answers about a wrong sheet."""

    total: int = 0
    right: int = 0
    wrong_sheets: int = 0
    failures: list[tuple[Case, AnswerText | None]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0


def judge(cases: Sequence[Case], rows: SessionRows, answer: Callable[[str], AnswerText | None]) -> Score:
    """Ask every question. No answer from rows is not right, but about no wrong sheet either."""
    tally = Score()
    names = {sheet.name for sheet in rows.sheets}
    for case in cases:
        answered = answer(case.text)
        tally.total += 1
        if answered is None:
            tally.failures.append((case, answered))
            continue
        if is_about_wrong_sheet(case, answered, names):
            tally.wrong_sheets += 1
        if is_right(case, answered):
            tally.right += 1
        else:
            tally.failures.append((case, answered))
    return tally


def is_right(case: Case, answered: AnswerText) -> bool:
    text = answered.text.casefold()
    return (
        answered.cited == case.sheets
        and all(phrase.casefold() in text for phrase in case.required)
        and not any(phrase.casefold() in text for phrase in case.forbidden)
        and (case.verdict is None or answered.text.startswith(case.verdict))
    )


def is_about_wrong_sheet(case: Case, answered: AnswerText, names: set[str]) -> bool:
    """Whether a sheet is cited, or named outside quotation marks, that the question is not about."""
    text = re.sub(r'"[^"]*"', " ", answered.text)
    text = text.split(" Without any: ")[0]
    named = {name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}
    if not case.sheets:
        return bool(answered.cited)
    return bool(((answered.cited & names) | named) - case.sheets - case.mentioned)


# --- the sheets, as people name them


def references(sheet: SheetRow, rows: SessionRows, language: str) -> list[str]:
    """Ways to name a sheet that name no other."""
    name = sheet.name
    words = ("sheet", "drawing", "Sheet") if language == "en" else ("Blatt", "Plan", "Zeichnung")
    numbered = re.fullmatch(r"(?:Sheet|Page)_0*(\d+)", name)
    if numbered:
        number = numbered[1]
        forms = [f"{words[0]} {number}", name, f"{words[0]}_{number}", f"{words[2]} {number.zfill(2)}"]
    else:
        bare = re.sub(r"[-_ ]", "", name)
        forms = [name, f"{words[0]} {name}", bare, f"{words[1]} {bare.lower()}", re.sub("[-_]", " ", name)]
        forms += [f"{words[0]} {bare}", f"{words[2]} {name.lower()}", re.sub("[-_ ]", " - ", name)]
    if sheet.new is not None:
        page = sheet.new.number
        if language == "en":
            forms.append(f"page {page} of the new set")
        else:
            forms.append(f"Seite {page} im neuen Satz")
    number = sheet.page.number
    holders = {
        other.name
        for other in rows.sheets
        for side in (other.old, other.new)
        if side and (side.number == number or digits(side.name) == number)
    }
    if holders == {name}:
        forms.append(f"page {number}" if language == "en" else f"Seite {number}")
    return forms


def digits(name: str) -> int | None:
    found = re.search(r"\d+", name)
    return int(found[0]) if found else None


def state_phrase(sheet: SheetRow) -> str | None:
    """What an answer about the changes of a sheet must say if they are not known."""
    if not sheet.is_pair:
        return f"only in the {'new' if sheet.new else 'old'} set"
    if sheet.state is SheetState.FAILED:
        return "could not be compared"
    return "cannot be listed" if sheet.low_confidence else None


def count_phrase(number: int, noun: str = "change") -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


# --- the templates


def about(sheet: SheetRow, text: str, template: str, *required: str, **options: object) -> Case:
    """A case about one sheet; its state is all that must be said if its changes are not known."""
    phrase = state_phrase(sheet)
    mentioned = frozenset(page.name for page in (sheet.old, sheet.new) if page)
    sheets = frozenset({sheet.name})
    if phrase is not None:
        return Case(text, template, (phrase,), sheets, mentioned=mentioned)
    return Case(text, template, required, sheets, mentioned=mentioned, **options)  # type: ignore[arg-type]


def what_changed(sheet: SheetRow, name: str, language: str) -> Case:
    text = f"What changed on {name}?" if language == "en" else f"Was hat sich auf {name} geändert?"
    largest = sorted(sheet.changes, key=lambda change: -change.area)[:MAX_REQUIRED_CHANGES]
    return about(
        sheet, text, "what", count_phrase(len(sheet.changes)), *(each.description for each in largest)
    )


def how_many(sheet: SheetRow, name: str, language: str) -> Case:
    text = (
        f"How many changes are there on {name}?"
        if language == "en"
        else f"Wie viele Änderungen gibt es auf {name}?"
    )
    return about(sheet, text, "how many", count_phrase(len(sheet.changes)))


def how_many_added(sheet: SheetRow, name: str, language: str) -> Case:
    text = (
        f"How many things were added on {name}?"
        if language == "en"
        else f"Wie viele Dinge wurden auf {name} hinzugefügt?"
    )
    count = sum(change.kind == "added" for change in sheet.changes)
    return about(sheet, text, "how many added", count_phrase(count, "addition"))


def what_was_removed(sheet: SheetRow, name: str, language: str) -> Case:
    text = f"What was removed on {name}?" if language == "en" else f"Was wurde auf {name} entfernt?"
    removed = sorted((c for c in sheet.changes if c.kind == "removed"), key=lambda change: -change.area)
    others = {c.description for c in sheet.changes if c.kind == "added"} - {c.description for c in removed}
    required = (
        count_phrase(len(removed), "removal"),
        *(c.description for c in removed[:MAX_REQUIRED_CHANGES]),
    )
    return about(sheet, text, "removed", *required, forbidden=tuple(others))


def which_words(sheet: SheetRow, name: str, language: str) -> Case:
    text = (
        f"Which words were added on {name}?"
        if language == "en"
        else f"Welche Wörter sind auf {name} hinzugekommen?"
    )
    words = tuple(f'"{word}"' for word in list(dict.fromkeys(sheet.words_added))[:10])
    return about(sheet, text, "words", *(words or ("no words",)))


def is_unchanged(sheet: SheetRow, name: str, language: str) -> Case:
    text = f"Is {name} unchanged?" if language == "en" else f"Ist {name} unverändert?"
    verdict = "No" if sheet.has_changed else "Yes"
    return about(sheet, text, "unchanged", verdict=verdict)


def where(sheet: SheetRow, name: str, language: str) -> Case:
    text = f"Where did {name} change?" if language == "en" else f"Wo hat sich {name} geändert?"
    largest = sorted(sheet.changes, key=lambda change: -change.area)[:MAX_REQUIRED_CHANGES]
    places = tuple(change.location for change in largest)
    return about(sheet, text, "where", *(places or ("no changes",)))


def reliability(sheet: SheetRow, name: str, language: str) -> Case:
    text = (
        f"How reliable is the comparison of {name}?"
        if language == "en"
        else f"Wie zuverlässig ist der Vergleich von {name}?"
    )
    if sheet.low_confidence and sheet.is_pair:
        required = ("LOW", f"{sheet.score:.2f}")
        return Case(text, "reliable", required, frozenset({sheet.name}))
    return about(sheet, text, "reliable", f"{sheet.score or 0:.2f}", forbidden=("LOW",))


def only_in_new(sheet: SheetRow, name: str, language: str) -> Case:
    text = f"Is {name} only in the new set?" if language == "en" else f"Gibt es {name} nur im neuen Satz?"
    verdict = "Yes" if sheet.old is None else "No"
    mentioned = frozenset(page.name for page in (sheet.old, sheet.new) if page)
    return Case(text, "only new", (), frozenset({sheet.name}), verdict, mentioned=mentioned)


def replacement(sheet: SheetRow, name: str, language: str) -> Case | None:
    replacements = [c for c in sheet.changes if c.words_removed and c.words_added and sheet.is_compared]
    if not replacements:
        return None
    change = max(replacements, key=lambda change: change.area)
    word = change.words_removed[0]
    text = (
        f'What replaced "{word}" on {name}?'
        if language == "en"
        else f"Wodurch wurde „{word}“ auf {name} ersetzt?"
    )
    return about(sheet, text, "replaced", *change.words_added[:3])


def compared_with_next(sheet: SheetRow, other: SheetRow, name: str, language: str) -> Case:
    text = (
        f"Which one has more changes, {name} or {other.name}?"
        if language == "en"
        else f"Welches hat mehr Änderungen, {name} oder {other.name}?"
    )
    sheets = frozenset({sheet.name, other.name})
    mentioned = frozenset(p.name for s in (sheet, other) for p in (s.old, s.new) if p)
    phrases = [phrase for one in (sheet, other) if (phrase := state_phrase(one))]
    if phrases:
        return Case(text, "more", tuple(phrases), sheets, mentioned=mentioned)
    required = tuple(count_phrase(len(one.changes)) for one in (sheet, other))
    return Case(text, "more", required, sheets, mentioned=mentioned)


def unknown(sheet: SheetRow, rows: SessionRows, language: str) -> Case:
    name = re.sub(r"\d+", lambda found: str(int(found[0]) + 550), sheet.name, count=1)
    shown = name if language == "en" else name.replace("-", "")
    text = f"What changed on sheet {shown}?" if language == "en" else f"Was ist neu auf Blatt {shown}?"
    return Case(text, "unknown", ("no sheet",), frozenset())


Template = Callable[[SheetRow, str, str], Case | None]
TEMPLATES: tuple[Template, ...] = (
    what_changed,
    how_many,
    how_many_added,
    what_was_removed,
    which_words,
    is_unchanged,
    where,
    reliability,
    only_in_new,
    replacement,
)
"""The templates about one sheet; `compared_with_next` and `unknown` are two more."""


def generate(rows: SessionRows) -> Iterator[Case]:
    """Every template for every sheet in both languages; the ways to name a sheet take turns."""
    turn = 0
    for index, sheet in enumerate(rows.sheets):
        for language in LANGUAGES:
            forms = references(sheet, rows, language)
            for template in TEMPLATES:
                turn += 1
                if case := template(sheet, forms[turn % len(forms)], language):
                    yield case
            other = rows.sheets[(index + 1) % len(rows.sheets)]
            turn += 1
            yield compared_with_next(sheet, other, forms[turn % len(forms)], language)
            yield unknown(sheet, rows, language)


# --- a session


PLACES = ("upper left", "upper right", "lower left", "lower right", "centre", "left", "right")
ROOMS = ("STORE", "OFFICE", "KITCHEN", "LOBBY", "PANTRY", "STUDIO", "LOUNGE", "ARCHIVE")


def synthetic_session(seed: int = 3) -> SessionRows:
    """Fourteen sheets with every state: changed, unchanged, LOW, failed, renamed, old only and new only."""
    source = random.Random(seed)
    pairs = ["A-101", "A-102", "A-103", "A-104", "A-106", "S-201", "S-202", "M-301", "E-1.02", "Sheet_09"]
    rows: list[SheetRow] = []
    for number, name in enumerate(pairs, 1):
        page = number + (number > 3)  # a sheet was inserted after the third
        old, new = Page("A-105" if name == "A-106" else name, number), Page(name, page)
        if name == "S-202":
            rows.append(
                SheetRow(
                    old, new, SheetState.COMPLETED, True, 0.41, words_removed=("K1",), words_added=("K2",)
                )
            )
        elif name == "M-301":
            rows.append(SheetRow(old, new, SheetState.FAILED, error="Processing exceeded the timeout."))
        else:
            changes = () if name in ("A-103", "S-201") else made_changes(source, source.randint(1, 9), number)
            removed, added = (
                tuple(word for change in changes for word in getattr(change, side))
                for side in ("words_removed", "words_added")
            )
            score = round(source.uniform(0.8, 0.99), 3)
            ratio = round(0.01 * len(changes), 4)
            rows.append(
                SheetRow(old, new, SheetState.COMPLETED, False, score, ratio, changes, removed, added)
            )
    rows.insert(3, SheetRow(None, Page("A-401", 4), SheetState.UNMATCHED))
    rows.append(SheetRow(Page("A-107", 11), None, SheetState.UNMATCHED))
    rows.append(SheetRow(Page("P-501", 12), None, SheetState.UNMATCHED))
    return SessionRows(tuple(rows))


def made_changes(source: random.Random, count: int, sheet: int) -> tuple[ChangeRow, ...]:
    """Changes of all kinds, largest first, with the sentences of the analyser."""
    made = []
    for index in range(count):
        kind = source.choice(("added", "removed", "modified", "fill"))
        location = f"{source.choice(PLACES)}, near grid {source.choice('ABCDEFG')}/{source.randint(1, 12)}"
        words = [f"{source.choice(ROOMS)}-{sheet}{index}{side}" for side in "ab"]
        removed = (words[0],) if kind in ("removed", "modified") and source.random() < 0.7 else ()
        added = (words[1],) if kind in ("added", "modified") and (removed or source.random() < 0.7) else ()
        area = source.randint(300, 90_000)
        box = (source.randint(0, 4000), source.randint(0, 3000), source.randint(20, 400), 100)
        evidence = Evidence(kind, box, area, location, removed, added)
        made.append(ChangeRow(kind, sentence(evidence), location, removed, added, area))
    return tuple(sorted(made, key=lambda change: -change.area))
