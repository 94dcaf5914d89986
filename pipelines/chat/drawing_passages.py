"""Passages of a drawing session's results, ranked for a question by embeddings and words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import log

from core.bm25 import terms
from core.ports import Embed, Passage
from pipelines.chat.session_questions.questions import SessionQuestion
from resolvers.chat.drawing_context import SheetFindings

STATEMENT_SEPARATOR = "\n\n"
"""Separates statements, so that each is a sentence."""
MAX_PASSAGE_LENGTH = 800
"""Characters of a passage, unless a single statement is longer."""
MAX_EMBEDDED_PASSAGES = 16
"""Passages that are embedded: the best by words."""
RANK_FUSION_CONSTANT = 60
"""The constant k of reciprocal rank fusion."""


def split_passages(source: SheetFindings) -> list[Passage]:
    """A sheet's statements as passages; offsets count in all statements joined."""
    found: list[Passage] = []
    text, start = "", 0
    for statement in source.statements:
        if text and len(text) + len(statement) > MAX_PASSAGE_LENGTH:
            found.append(Passage(None, source.name, source.page, start, start + len(text), text, 0.0))
            start, text = start + len(text) + len(STATEMENT_SEPARATOR), ""
        text = f"{text}{STATEMENT_SEPARATOR}{statement}" if text else statement
    if text:
        found.append(Passage(None, source.name, source.page, start, start + len(text), text, 0.0))
    return found


def of_sheets(sources: Sequence[SheetFindings], question: SessionQuestion) -> list[SheetFindings]:
    """The findings of the sheets that a question names; all if it names none."""
    if not any(each.candidates or each.has_keyword for each in question.references):
        return list(sources)
    names = {sheet.name for sheet in question.sheets}
    return [source for source in sources if source.name in names]


async def rank_passages(
    embed: Embed, question: str, sources: Sequence[SheetFindings], limit: int
) -> list[Passage]:
    """The best passages for a question, with their similarity to it. Raises `ModelFailure`.

    On a tie the beginnings of sheets come first: they hold the summaries.
    """
    numbered = [
        (number, passage) for source in sources for number, passage in enumerate(split_passages(source))
    ]
    all_passages = [passage for _, passage in sorted(numbered, key=lambda pair: pair[0])]
    if not all_passages:
        return []
    candidates = rank_by_words(question, all_passages)[:MAX_EMBEDDED_PASSAGES]
    (question_vector,) = await embed([question], "query")
    passage_vectors = await embed(
        [f"{candidate.source}: {candidate.text}" for candidate in candidates], "passage"
    )
    similarities = [
        sum(a * b for a, b in zip(question_vector, vector, strict=True)) for vector in passage_vectors
    ]
    order = sorted(range(len(candidates)), key=lambda index: -similarities[index])
    fused = {
        index: 1 / (RANK_FUSION_CONSTANT + index) + 1 / (RANK_FUSION_CONSTANT + rank)
        for rank, index in enumerate(order)
    }
    best = sorted(fused, key=lambda index: -fused[index])[:limit]
    return [replace(candidates[index], similarity=min(1.0, max(0.0, similarities[index]))) for index in best]


def rank_by_words(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages ordered by the rarity of the question's words in them and in their sheet's name."""
    term_sets = [terms(f"{passage.source} {passage.text}") for passage in passages]
    document_counts = Counter(word for passage_terms in term_sets for word in passage_terms)
    rarity = {word: log(1 + len(passages) / (1 + document_counts[word])) for word in terms(question)}
    scores = [sum(rarity[word] for word in rarity.keys() & passage_terms) for passage_terms in term_sets]
    return [passages[index] for index in sorted(range(len(passages)), key=lambda index: -scores[index])]
