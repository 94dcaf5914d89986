"""Neutral form of markup: nothing of it is live, in HTML or in any Markdown."""

import random
import re

import pytest

from core.markup import neutral_text, neutralize

LIVE = re.compile(
    r"<[a-z/!?]|\](?=[(:])|://|(?<![a-z0-9.])www\.\w|\w@\w+\.\w|\b(?:javascript|data|mailto):\S",
    re.IGNORECASE,
)
"""What begins a tag, a link, an image, a link definition or an automatic link."""


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("<script>alert(1)</script>", "< script>alert(1)< /script>"),
        ("<img src=x onerror=alert(1)", "< img src=x onerror=alert(1)"),
        ("<!-- a --> <?b?>", "< !-- a --> < ?b?>"),
        ("[x](javascript:alert(1))", "[x] (javascript[:]alert(1))"),
        ("![x](http://a.example/b.png?q=1)", "![x] (http[:]//a[.]example/b.png?q=1)"),
        ("[x]: /a 'title'", "[x] : /a 'title'"),
        ("<https://a.b.example/c>", "< https[:]//a[.]b[.]example/c>"),
        ("See https://a.example. Next", "See https[:]//a[.]example. Next"),
        ("www.a.example,", "www[.]a[.]example,"),
        ("mailto:a@b.example", "mailto[:]a[@]b[.]example"),
        ("javascript:(alert)", "javascript[:] (alert)"),
        ("data:text/html,x", "data[:]text/html,x"),
    ],
)
def test_markup_is_text(text: str, neutral: str) -> None:
    assert neutral_text(text) == neutral


@pytest.mark.parametrize(
    "text",
    [
        *("", "x < 5 and 3 <4, a > b", "[1][2] (2019) [a] (b)", "**bold**, `code`\n\n1. list | table"),
        *("The data: 5 rows at 10:30.", "e.g. this.that", "me @ home", "\u05e9\u05dc\u05d5\u05dd \U0001f600"),
    ],
)
def test_text_without_markup_is_unchanged(text: str) -> None:
    assert neutral_text(text) == text


def test_offsets_move_with_the_text() -> None:
    text = "\U0001f600 <b>bold</b> and https://a.example end"
    neutral = neutralize(text)

    for word in ("bold", "and", "end"):
        assert neutral.text[neutral.offset(text.index(word)) :].startswith(word)
    assert neutral.offset(len(text)) == len(neutral.text)


def test_any_mixture_is_neutral_and_stays_so() -> None:
    chance = random.Random(7)
    parts = [
        *"a1 .:/@<>[]()!?\\w_\n",
        "http",
        "www.",
        "data:",
        "://",
        "](",
        "javascript:",
        "]:",
        "mailto:",
        "b.c",
    ]
    for _ in range(5_000):
        text = "".join(chance.choices(parts, k=chance.randint(1, 14)))
        neutral = neutral_text(text)

        assert not LIVE.search(neutral), text
        assert neutral_text(neutral) == neutral, text
