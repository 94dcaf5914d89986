"""Sheets that a question names, resolved against the numbers, names and pages of a session.

Numbers are read loosely: `A-106`, `a 106` and `A106` are one; so are `Sheet_09`, `sheet 9` and `Blatt 9`.
What fits several sheets names all of them; what fits none is kept as unknown.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from pipelines.chat.session_questions.name_patterns import (
    CODE,
    CODE_AFTER_KEYWORD,
    DUPLICATE,
    GAP,
    KEYWORDS,
    MAX_NEAREST,
    MAX_RANGE,
    NEXT_CODE,
    NUMBER_WORDS,
    ORDINAL,
    ORDINALS,
    PAGE_KEYWORDS,
    PLACEHOLDER,
    QUALIFIER_AFTER,
    QUALIFIER_BEFORE,
    RANGES,
    WORD,
    NamePart,
    find_keyword,
    join_parts,
    name_key,
    name_parts,
)
from resolvers.chat.session_rows import Page, SessionRows, SheetRow


@dataclass(frozen=True)
class Reference:
    """A sheet that a question names: the sheets that it may be, and which page of each is meant."""

    text: str
    start: int
    end: int
    candidates: tuple[tuple[SheetRow, str], ...]
    """Sheets with what the name is of each, such as `page 4 of the new set`."""
    has_keyword: bool
    """Whether the question says that it is a sheet or a page."""

    @property
    def sheet(self) -> SheetRow | None:
        """The sheet, if there is only one that it can be."""
        return self.candidates[0][0] if len(self.candidates) == 1 else None


@dataclass(frozen=True)
class PageName:
    """A sheet that a name may stand for, by a page of one of its sets."""

    sheet: SheetRow
    page: Page
    is_new: bool
    by_page: bool = False

    @property
    def printed(self) -> str:
        """The name without what tells sheets of one number apart."""
        found = DUPLICATE.fullmatch(self.page.name)
        return found["printed"] if found else self.page.name

    def describe(self) -> str:
        """What the name is of the sheet."""
        revision = "new" if self.is_new else "old"
        if self.by_page:
            return f"page {self.page.number} of the {revision} set"
        return f"{self.page.name} in the {revision} set"


class SheetNames:
    """The names, numbers and pages of a session's sheets."""

    def __init__(self, rows: SessionRows) -> None:
        self.rows = rows
        self.meanings = [
            PageName(sheet, page, is_new)
            for sheet in rows.sheets
            for page, is_new in ((sheet.new, True), (sheet.old, False))
            if page is not None and page.name
        ]
        self.by_key: dict[tuple[str, ...], list[PageName]] = defaultdict(list)
        self.by_letters: dict[str, list[PageName]] = defaultdict(list)
        self.by_number: dict[str, list[PageName]] = defaultdict(list)
        self.by_digits: dict[str, list[PageName]] = defaultdict(list)
        for meaning in self.meanings:
            key = name_key(meaning.printed)
            self.by_key[key].append(meaning)
            self.by_letters[join_parts(meaning.printed)].append(meaning)
            if meaning.printed != meaning.page.name:
                self.by_key[name_key(meaning.page.name)].append(meaning)
            rest = key[1:] if key and key[0] in KEYWORDS else key
            if len(rest) == 1 and rest[0].isdecimal():
                self.by_number[rest[0]].append(meaning)
            elif sum(part.isdecimal() for part in rest) == 1 and len(rest) == 2:
                self.by_digits[next(part for part in rest if part.isdecimal())].append(meaning)
        self.longest = max((len(key) for key in self.by_key), default=0)

    def find(self, text: str) -> list[Reference]:
        """The references in order, known ones first where two overlap."""
        found: list[Reference] = []
        for references in (
            self.exact_names(text),
            self.ordinals(text),
            self.keyword_codes(text),
            self.unknown_codes(text),
        ):
            for reference in references:
                if all(reference.end <= each.start or each.end <= reference.start for each in found):
                    found.append(reference)
        ordered = [qualify(reference, text) for reference in sorted(found, key=lambda each: each.start)]
        return list(self.with_ranges(ordered, text))

    def with_ranges(self, references: Sequence[Reference], text: str) -> Iterator[Reference]:
        """The references, with the sheets between two names such as `A-101 to A-104`."""
        places = {id(sheet): place for place, sheet in enumerate(self.rows.sheets)}
        previous: Reference | None = None
        for each in references:
            if previous and previous.sheet and each.sheet:
                joint = text[previous.end : each.start].strip().lower()
                first, last = places[id(previous.sheet)], places[id(each.sheet)]
                if joint in RANGES and 0 < last - first <= MAX_RANGE:
                    for sheet in self.rows.sheets[first + 1 : last]:
                        yield Reference(sheet.name, each.start, each.start, ((sheet, sheet.name),), True)
            yield each
            previous = each

    def exact_names(self, text: str) -> Iterator[Reference]:
        """Names of sheets, the longest first, with an optional keyword before them."""
        parts = name_parts(text)
        position = 0
        while position < len(parts):
            for count in range(min(self.longest, len(parts) - position), 0, -1):
                run = parts[position : position + count]
                meanings = self.by_key.get(tuple(part.key for part in run))
                if meanings and is_whole(text, run) and self.is_sure(text, run, meanings):
                    start, has_keyword = keyword_before(text, run[0].start)
                    named = text[run[0].start : run[-1].end]
                    yield reference(named, start, run[-1].end, narrow(named, meanings), has_keyword)
                    position += count
                    break
            else:
                position += 1

    def is_sure(self, text: str, run: Sequence[NamePart], meanings: Sequence[PageName]) -> bool:
        """Whether a run of letters and digits is a name and no word or number of the sentence."""
        named = text[run[0].start : run[-1].end]
        if run[0].key in KEYWORDS and len(run) > 1:
            return "_" in named  # `sheet 9` may be a page
        has_digits, has_letters = (
            any(part.key.isdecimal() is is_digit for part in run) for is_digit in (True, False)
        )
        if has_digits and has_letters:
            return True
        if has_digits:
            return False
        _, has_keyword = keyword_before(text, run[0].start)
        return len(named) >= 3 and (has_keyword or any(named == meaning.page.name for meaning in meanings))

    def ordinals(self, text: str) -> Iterator[Reference]:
        """`the third sheet`, `die 3. Seite` and `the last page`."""
        for found in ORDINAL.finditer(text):
            word = found["ordinal"].lower()
            number = next((n for n, words in ORDINALS.items() if word in words), None)
            if digits := re.match(r"\d+", word):
                number = int(digits[0])
            meanings = self.last_pages() if number is None else self.pages(number)
            yield reference(found[0], found.start(), found.end(), meanings, True)

    def keyword_codes(self, text: str) -> Iterator[Reference]:
        """`sheet 9`, `Blatt Nr. 9`, `page 3` and `sheets 3, 4 and 5`."""
        for word in WORD.finditer(text):
            keyword = find_keyword(word[0])
            found = CODE_AFTER_KEYWORD.match(text, word.end())
            if keyword is None or found is None:
                continue
            code, end = found["code"], found.end()
            named = text[word.start() if code.isdecimal() else found.start("code") : found.end("code")]
            yield reference(named, word.start(), end, self.resolve(keyword, code), True)
            while code.isdecimal() and (following := NEXT_CODE.match(text, end)):
                joint = following["joint"].strip(" ,.").lower()
                numbers = [int(following["code"])]
                if joint in RANGES and 0 < numbers[0] - int(code) <= MAX_RANGE:
                    numbers = list(range(int(code) + 1, numbers[0] + 1))
                for number in numbers:
                    start, stop = following.start("code"), following.end("code")
                    start = start if number == numbers[-1] else end
                    stop = stop if number == numbers[-1] else end
                    yield reference(
                        f"{word[0]} {number}", start, stop, self.resolve(keyword, str(number)), True
                    )
                code, end = following["code"], following.end("code")

    def resolve(self, keyword: str, code: str) -> list[PageName]:
        """What a number or name after a keyword may stand for."""
        key = name_key(code)
        if not code.isdecimal():
            return narrow(code, self.by_key.get(key) or self.by_letters.get(join_parts(code)) or [])
        number = key[0]
        named = self.by_number.get(number, [])
        if keyword in PAGE_KEYWORDS:
            return [*self.pages(int(number)), *named]
        return list(named) or [*self.by_digits.get(number, ()), *self.pages(int(number))]

    def pages(self, number: int) -> list[PageName]:
        return [replace(each, by_page=True) for each in self.meanings if each.page.number == number]

    def last_pages(self) -> list[PageName]:
        last = {
            is_new: max((each.page.number or 0 for each in self.meanings if each.is_new is is_new), default=0)
            for is_new in (True, False)
        }
        return [
            replace(each, by_page=True) for each in self.meanings if each.page.number == last[each.is_new]
        ]

    def unknown_codes(self, text: str) -> Iterator[Reference]:
        """What looks like a sheet number, but is the number of no sheet, unless it is written together."""
        for found in CODE.finditer(text):
            meanings = narrow(found[0], self.by_letters.get(join_parts(found[0])) or [])
            yield reference(found[0], found.start(), found.end(), meanings, False)

    def has_like(self, code: str) -> bool:
        """Whether a sheet has a number with the letters of a code, and with as many digits."""
        shape = code_shape(code)
        return any(code_shape(each.printed) == shape for each in self.meanings)

    def nearest(self, text: str) -> list[str]:
        """The names of the sheets that are most like an unknown one."""
        code = " ".join(part for part in name_key(text) if part not in KEYWORDS)

        def distance(name: str) -> tuple[float, int]:
            key = " ".join(part for part in name_key(name) if part not in KEYWORDS)
            letters, others = (re.sub(r"\d", "", each).split() for each in (code, key))
            first, second = (int("".join(re.findall(r"\d", each)) or 0) for each in (code, key))
            similarity = SequenceMatcher(None, code, key).ratio() + (letters[:1] == others[:1])
            return -round(similarity, 1), abs(first - second)

        names = list(dict.fromkeys(sheet.name for sheet in self.rows.sheets))
        return sorted(names, key=distance)[:MAX_NEAREST]


def code_shape(name: str) -> tuple[str, int]:
    """The first letters of a name, and the number of its digits."""
    return next(iter(name_key(name)), ""), sum(character.isdecimal() for character in name)


def reference(text: str, start: int, end: int, meanings: Sequence[PageName], has_keyword: bool) -> Reference:
    """A reference to the distinct sheets of its meanings."""
    candidates: dict[int, tuple[SheetRow, str]] = {}
    for meaning in meanings:
        candidates.setdefault(id(meaning.sheet), (meaning.sheet, meaning.describe()))
    return Reference(text.strip(), start, end, tuple(candidates.values()), has_keyword)


def narrow(named: str, meanings: Sequence[PageName]) -> list[PageName]:
    """The meanings whose name is spelled just so, or else all."""
    for spelling in (str, str.casefold):
        same = [
            each
            for each in meanings
            if spelling(each.page.name if "(" in named else each.printed) == spelling(named)
        ]
        if same:
            return same
    zeros = [each for each in meanings if re.findall(r"\d+", each.printed) == re.findall(r"\d+", named)]
    return zeros or list(meanings)


def qualify(reference: Reference, text: str) -> Reference:
    """The reference with the set that its words name, if it is needed to know the sheet."""
    if (
        not any(name.startswith("page ") for _, name in reference.candidates)
        and len(reference.candidates) < 2
    ):
        return reference
    before = QUALIFIER_BEFORE.search(text[: reference.start])
    after = QUALIFIER_AFTER.match(text, reference.end)
    found = before or after
    if found is None:
        return reference
    revision = "new" if found["new"] else "old"
    kept = tuple(each for each in reference.candidates if each[1].endswith(f"the {revision} set"))
    kept = tuple(each for each in kept if each[1].startswith("page ")) or kept
    if not kept:
        return reference
    start = before.start() if before else reference.start
    return replace(
        reference, start=start, end=reference.end if before or not after else after.end(), candidates=kept
    )


def is_whole(text: str, run: Sequence[NamePart]) -> bool:
    """Whether a run of parts is close together and no part of a longer number."""
    for one, other in pairwise(run):
        if not GAP.fullmatch(text, one.end, other.start):
            return False
    before, after = text[: run[0].start], text[run[-1].end :]
    joint = r"\w$|\d[-._]$" if run[0].key.isdecimal() else r"\w$"
    return not re.search(joint, before) and not re.match(r"\w|[-._/]\d", after)


def keyword_before(text: str, start: int) -> tuple[int, bool]:
    """Where a keyword before a name begins, and whether there is one."""
    found = re.search(
        rf"(?<!\w)(?P<keyword>[^\W\d_]{{2,12}})\.?[\s_\-:]{{1,3}}(?:{NUMBER_WORDS}[\s:#]{{0,2}})?$",
        text[:start],
        re.IGNORECASE,
    )
    if found and find_keyword(found["keyword"]):
        return found.start(), True
    return start, False


def without_references(text: str, references: Sequence[Reference]) -> str:
    """The text with a placeholder for each sheet."""
    parts, position = [], 0
    for each in references:
        parts += [text[position : max(position, each.start)], f" {PLACEHOLDER} "]
        position = max(position, each.end)
    return "".join((*parts, text[position:]))
