"""Texts that are embedded once, however often they are compared."""

from collections.abc import Sequence
from typing import Literal

import pytest

from core.ports import AnswerEnd, ChatRequest, Passage
from pipelines.chat import embedding_memory
from pipelines.chat.embedding_memory import cosines, embed_once
from pipelines.chat.generation import Reply, assess_reply


class RecordingEmbedder:
    """Embeds texts by their length, and records them."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def __call__(
        self, texts: Sequence[str], kind: Literal["query", "passage"]
    ) -> Sequence[Sequence[float]]:
        self.texts += texts
        return [[1.0, 0.0] if len(text) % 2 else [0.0, 1.0] for text in texts]


async def test_each_text_is_embedded_once() -> None:
    recorded = RecordingEmbedder()
    embed = embed_once(recorded)

    first = await embed(["a", "bb", "a"], "passage")
    second = await embed(["bb", "ccc"], "passage")
    await embed(["a"], "query")

    assert (first, second) == ([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    assert recorded.texts == ["a", "bb", "ccc", "a"]


async def test_the_texts_that_were_not_used_for_longest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedding_memory, "MAX_TEXTS", 2)
    recorded = RecordingEmbedder()
    embed = embed_once(recorded)
    for texts in (["a", "b"], ["a"], ["c"], ["a"], ["b"]):
        await embed(texts, "passage")

    assert recorded.texts == ["a", "b", "c", "b"]


async def test_the_citations_and_the_grounding_of_an_answer_share_their_embeddings() -> None:
    recorded = RecordingEmbedder()
    text = "The rent is 90 euros. Dogs are welcome."
    passage = Passage(None, "Lease", None, 0, len(text), text, 0.9)
    reply = Reply("The rent is 90 euros [1]. Pets are welcome [1].", (), AnswerEnd("model", 1, 1))

    await assess_reply(reply, ChatRequest("What is the rent?", (passage,)), embed=recorded)

    assert len(recorded.texts) == len(set(recorded.texts))
    assert recorded.texts.count("Dogs are welcome.") == 1


def test_cosines_of_nothing_are_none() -> None:
    assert cosines([], [[1.0]]) == []
    assert cosines([[1.0]], []) == [[]]
    assert cosines([[0.6, 0.8]], [[1.0, 0.0], [0.0, 1.0]]) == [[0.6, 0.8]]
