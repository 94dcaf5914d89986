"""The probability that a sentence answers a question."""

import pytest

from core.stemming import stems
from providers.chat.evidence import Context, ask, opposites, probability, written_names
from providers.chat.lexical_matching import coverage, word_rarities

TEXT = "The hall was drawn by Maria Vogt in 1904. The tower was drawn by Otto Kern in 1911."


def judge(question: str, sentence: str, text: str = TEXT) -> float:
    """The probability with the same similarities for every sentence."""
    rarities = word_rarities(stems(question), [stems(each) for each in text.split(". ")])
    words = coverage(rarities, stems(sentence))
    context = Context(stems(sentence), stems(text))
    return probability(
        ask(question, rarities, [text]),
        sentence,
        context,
        meaning=0.5,
        words=words,
        nearby=words,
        passage=0.5,
        lead=0.05,
    )


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("What did the hall cost?", "The hall did cost 5,000 euros.", "The hall did not cost much."),
        ("What year was the hall drawn?", "The hall was drawn in 1904.", "The hall was drawn by hand."),
        ("Why was the hall drawn?", "The hall was drawn because of a fire.", "The hall was drawn."),
        ("What is the oldest tower?", "The oldest tower is round.", "The youngest tower is round."),
        ("What did the hall hold?", "The hall did hold grain.", "The tower did hold grain."),
    ],
)
def test_evidence_tells_sentences_apart(question: str, better: str, worse: str) -> None:
    assert judge(question, better) > judge(question, worse) + 0.01


def test_texts_tell_names_also_in_lower_case() -> None:
    assert written_names([TEXT]) == stems("Maria Vogt Otto Kern")
    assert ask("when did otto kern draw it?", dict.fromkeys(stems("otto kern draw"), 1.0), [TEXT]).names == (
        frozenset(stems("otto kern"))
    )


def test_opposites_count_only_without_the_word_itself() -> None:
    assert opposites("the first door", "the last door") == 1
    assert opposites("the first door", "the first and the last door") == 0
    assert opposites("from the first to the last door", "the last door") == 0
