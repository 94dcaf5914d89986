"""Neutral form of text by models and people: HTML, links and images stay readable and are never live.

Markup is broken where its syntax begins, so that no renderer of HTML or Markdown restores it: by a blank
after the `<` of a tag and between `]` and `(` or `:`, and by brackets around the colon, dots and `@` of an
address, as in `https[:]//example[.]com`. Nothing is removed, and text without markup is unchanged.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

MARKUP = re.compile(
    r"""(?P<tag><)(?=[A-Za-z/!?])
      | (?P<link>\])(?=[(:])
      | (?P<scheme>:)(?=//(?P<host>[^\s/?\#\\<>\[\]()"'@:]*))
      | \b(?:javascript|vbscript|livescript|data|file|blob|mailto|tel|sms|xmpp)(?P<colon>:)(?=\S)(?!//)
      | (?<![A-Za-z0-9.])www(?=(?P<www>\.[^\s/?\#\\<>\[\]()"'@:]*))
      | (?<=[\w.+-])(?P<mail>@)(?=(?P<domain>[\w-]+(?:\.[\w-]+)+))""",
    re.VERBOSE | re.IGNORECASE,
)
KINDS = ("tag", "link", "scheme", "colon", "www", "mail")
DOT = re.compile(r"\.(?=\w)")


@dataclass(frozen=True)
class NeutralText:
    """A text in neutral form, and the inserted characters by their offset in the original."""

    text: str
    insertions: tuple[tuple[int, str], ...]

    def offset(self, original: int) -> int:
        """The offset in the neutral text for one in the original; both count code points."""
        before = bisect_left(self.insertions, (original, ""))
        return original + sum(len(inserted) for _, inserted in self.insertions[:before])


def neutralize(text: str) -> NeutralText:
    """The text in neutral form. Neutral text is unchanged."""
    insertions = tuple(sorted(set(_insertions(text))))
    ends = [0, *(offset for offset, _ in insertions)]
    pieces = [
        text[start:end] + inserted
        for start, (end, inserted) in zip(accumulate(ends[:-1], max), insertions, strict=True)
    ]
    return NeutralText("".join(pieces) + text[ends[-1] :], insertions)


def neutral_text(text: str) -> str:
    """The text with its markup in neutral form."""
    return neutralize(text).text


def _insertions(text: str) -> Iterator[tuple[int, str]]:
    for match in MARKUP.finditer(text):
        kind = next(name for name in KINDS if match[name])
        start = match.start(kind)
        match kind:
            case "tag" | "link":
                yield start + 1, " "
            case "scheme" | "colon" | "mail":
                yield start, "["
                # A bracket before a parenthesis or a colon would begin a link.
                yield start + 1, "] " if text[start + 1 : start + 2] in ("(", ":") else "]"
        for part in ("host", "www", "domain"):
            if match[part]:
                for dot in DOT.finditer(text, match.start(part), match.end(part)):
                    yield dot.start(), "["
                    yield dot.end(), "]"
