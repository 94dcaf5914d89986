"""Grounding: how far the retrieved passages support each statement of an answer. Fails closed."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise

from core.markup import neutral_text
from core.ports import Embed, Passage
from core.sentence_segmentation import Span, sentences
from core.stemming import STOP_WORDS, stem
from pipelines.chat.agreement import disagreement, normalize
from pipelines.chat.embedding_memory import cosines
from pipelines.chat.markers import LIST_MARKER, blank_markers

MIN_GROUNDING_SCORE = 0.7
"""The score from which an answer counts as grounded."""
MIN_SUPPORT = 0.5
"""Statements with less support are unsupported, and their citations are dropped."""
LEXICAL_WEIGHT, SEMANTIC_WEIGHT = 0.5, 0.5
"""Weights of word overlap and of embedding similarity in a statement's support."""
WORD = re.compile(r"[^\W\d_]{3,}|\d+")
LEAD_IN = re.compile(r"[#>]|.*:[*_\s]*$", re.DOTALL)
"""Headings, and sentences that introduce what follows."""
WINDOW_SIZE = 3
"""Consecutive sentences of a passage that are compared with a statement."""


@dataclass(frozen=True)
class Statement:
    """A sentence of an answer with its offsets in code points, and its support from 0 to 1."""

    start: int
    end: int
    support: float

    @property
    def is_supported(self) -> bool:
        return self.support >= MIN_SUPPORT


@dataclass(frozen=True)
class GroundingResult:
    """The mean support of the answer's sentences, from 0 to 1, and the unsupported sentences."""

    score: float
    unsupported: tuple[str, ...]
    error: str | None = None
    """Why the comparison was not possible."""
    statements: tuple[Statement, ...] = field(default=(), compare=False)

    @property
    def is_grounded(self) -> bool:
        return self.score >= MIN_GROUNDING_SCORE


async def check_grounding(
    answer: str, passages: Sequence[Passage], embed: Embed | None = None, *, has_markers: bool = True
) -> GroundingResult:
    """Compare each statement with the passages, by its words and, with `embed`, by its embedding.

    A verbatim sentence has full support. A statement whose numbers, names, negations or quotations disagree
    with the passages has none. The score is 0 without passages, without statements, or after an embedding
    error.
    """
    text = blank_markers(answer, len(passages)) if has_markers else answer
    spans = statement_spans(text)
    texts = [statement_text(text, span) for span in spans]
    error = None if passages and texts else "There was nothing to compare."
    supports = [0.0] * len(texts)
    if error is None:
        try:
            similarities = await semantic_similarities(texts, passages, embed)
            supports = await asyncio.to_thread(_supports, texts, passages, similarities)
        except Exception as failure:  # fails closed
            error = f"The comparison failed ({type(failure).__name__})."
    statements = tuple(
        Statement(*span, round(support, 4)) for span, support in zip(spans, supports, strict=True)
    )
    weak = [text for text, statement in zip(texts, statements, strict=True) if not statement.is_supported]
    score = 0.0 if error else round(sum(supports) / len(supports), 4)
    return GroundingResult(score, tuple(weak), error, statements)


def _supports(
    texts: Sequence[str], passages: Sequence[Passage], similarities: Sequence[Sequence[float]]
) -> list[float]:
    return [
        sentence_support(text, passages, max(row) if row else None)
        for text, row in zip(texts, similarities, strict=True)
    ]


def statement_spans(text: str) -> list[Span]:
    """The sentences that state something: no headings, list numbers, or sentences that introduce others."""
    return [
        span
        for span in sentences(text)
        if WORD.search(text, *span)
        and not LEAD_IN.match(text[slice(*span)])
        and not LIST_MARKER.fullmatch(text, *span)
    ]


def statement_text(text: str, span: Span) -> str:
    """A statement without its list marker, and with single blanks before full stops."""
    start = LIST_MARKER.match(text, *span)
    return re.sub(r"\s+(?=[.,;!?])", "", text[start.end() if start else span[0] : span[1]])


def sentence_support(sentence: str, passages: Sequence[Passage], similarity: float | None) -> float:
    """How far the passages support a sentence, from 0 to 1."""
    normalized = normalize(sentence)
    texts = [_neutral(passage.text) for passage in passages]
    is_verbatim = any(normalized in _normalized(text) for text in texts)
    contradicted = disagreement(
        sentence, "\n\n".join(texts), " ".join(passage.source for passage in passages)
    )
    if contradicted and not (is_verbatim and contradicted != "negation"):
        return 0.0
    if is_verbatim:
        return 1.0
    return _weighted_support(sentence, texts, similarity)


def source_support(sentence: str, passage: Passage, similarity: float | None) -> float:
    """How far one passage supports a sentence, from 0 to 1: its best few consecutive sentences."""
    support = sentence_support(sentence, [passage], similarity)
    if support in (0.0, 1.0):
        return support
    spans = passage_spans(passage)
    windows = [
        _neutral(passage.text[start : spans[min(first + WINDOW_SIZE, len(spans)) - 1][1]])
        for first, (start, _) in enumerate(spans[: max(1, len(spans) - WINDOW_SIZE + 1)])
    ]
    return _weighted_support(sentence, windows, similarity)


def _weighted_support(sentence: str, texts: Sequence[str], similarity: float | None) -> float:
    """The share of the sentence's words in the best text, and its similarity if there is one."""
    words = _words(sentence)
    lexical = max((len(words & _words(text)) / len(words) for text in texts), default=0.0) if words else 0.0
    return (
        lexical if similarity is None else LEXICAL_WEIGHT * lexical + SEMANTIC_WEIGHT * max(0.0, similarity)
    )


async def semantic_similarities(
    statements: Sequence[str], passages: Sequence[Passage], embed: Embed | None
) -> list[list[float]]:
    """For each statement, the highest cosine to a sentence of each passage; nothing without `embed`."""
    if embed is None or not statements:
        return [[] for _ in statements]
    grouped = [[passage.text[slice(*span)] for span in passage_spans(passage)] for passage in passages]
    passage_sentences = [sentence for group in grouped for sentence in group]
    vectors = await embed([*statements, *passage_sentences], "passage")
    if len(vectors) != len(statements) + len(passage_sentences):
        raise ValueError("the embedder returned too few vectors")
    count = len(statements)
    rows = await asyncio.to_thread(cosines, vectors[:count], vectors[count:])
    ends = list(accumulate((len(group) for group in grouped), initial=0))
    return [[max(row[start:end]) for start, end in pairwise(ends)] for row in rows]


def passage_spans(passage: Passage) -> list[Span]:
    """The sentences of a passage."""
    return sentences(passage.text) or [(0, len(passage.text))]


_neutral = lru_cache(maxsize=256)(neutral_text)
_normalized = lru_cache(maxsize=256)(normalize)


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    """The numbers of a text and the stems of its longer words, without stop words if it has others."""
    words = set(WORD.findall(text.lower()))
    return frozenset(stem(word) for word in words - STOP_WORDS or words)
