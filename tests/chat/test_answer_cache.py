"""What an answer depends on: the same key for the same, another one for anything else."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from core.ports import Turn
from core.settings import Settings
from db.models import AnswerMode, CouncilStrategy, ExplainabilityLevel, LlmProvider
from pipelines.chat import answer_cache as repeating
from resolvers.chat import answer_cache
from resolvers.chat.answer_cache import CorpusVersion
from resolvers.chat.answers import Question

NOWHERE = UUID(int=0)
QUESTION = Question(
    message_id=NOWHERE,
    conversation_id=NOWHERE,
    session_id=None,
    text="What is the minimum credit score?",
    history=(),
    document_ids=None,
    provider=LlmProvider.CUSTOM,
    model=None,
    temperature=0.7,
    explainability=ExplainabilityLevel.BASIC,
    mode=AnswerMode.ANSWER,
    strategy=CouncilStrategy.WEIGHTED_CONFIDENCE,
    rounds=1,
)
LIBRARY = CorpusVersion(("2:17", "0:None"), stable=True)
KEY = answer_cache.cache_key(QUESTION, LIBRARY, "model", "embedder")


@pytest.mark.parametrize(
    "same",
    [
        {"text": "  what is the MINIMUM\n credit score?"},
        {"text": "What is the minimum credit score\uff1f"},
        {"message_id": UUID(int=1), "conversation_id": UUID(int=2)},
        {"explainability": ExplainabilityLevel.DEBUG},
    ],
)
def test_what_changes_nothing_has_the_same_key(same: dict[str, Any]) -> None:
    assert answer_cache.cache_key(replace(QUESTION, **same), LIBRARY, "model", "embedder") == KEY


@pytest.mark.parametrize(
    "other",
    [
        {"text": "What is the maximum credit score?"},
        {"history": (Turn("user", "Hello"),)},
        {"provider": LlmProvider.OLLAMA},
        {"model": "tiny"},
        {"temperature": 0.8},
    ],
)
def test_what_changes_the_answer_has_another_key(other: dict[str, Any]) -> None:
    assert answer_cache.cache_key(replace(QUESTION, **other), LIBRARY, "model", "embedder") != KEY


def test_other_documents_or_models_have_another_key() -> None:
    changed = CorpusVersion(("2:18", "0:None"), stable=True)

    keys = {
        KEY,
        answer_cache.cache_key(QUESTION, changed, "model", "embedder"),
        answer_cache.cache_key(QUESTION, LIBRARY, "other", "embedder"),
        answer_cache.cache_key(QUESTION, LIBRARY, "model", "other"),
    }

    assert len(keys) == 4


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({}, True), ({"session_id": NOWHERE}, False), ({"mode": AnswerMode.COUNCIL}, False)],
)
def test_councils_and_drawings_are_requested_afresh(changed: dict[str, Any], expected: bool) -> None:
    assert answer_cache.is_cacheable(replace(QUESTION, **changed)) is expected


async def test_where_answers_are_kept_for_no_time_they_have_no_key() -> None:
    run: Any = SimpleNamespace(services=SimpleNamespace(settings=Settings(answer_cache_ttl=0)))
    viewer: Any = None

    assert await repeating.cache_key(run, viewer, QUESTION) is None
