"""Columns of token usage rows."""

from typing import Any

from core.ports import Embedder
from core.prices import Prices
from db.models import LlmProvider

EMBEDDING = "embedding"


def usage_columns(
    prices: Prices,
    operation: str,
    model: str | None,
    prompt_tokens: int,
    completion_tokens: int = 0,
    **columns: Any,
) -> dict[str, Any]:
    """Columns of a `TokenUsage` row. The cost is null if the model or its price is unknown."""
    return {
        "operation_type": operation,
        "model_name": model[:100] if model else None,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "estimated_cost": prices.cost(model or "", prompt_tokens, completion_tokens),
        **columns,
    }


def embedding_usage_columns(prices: Prices, embedder: Embedder, tokens: int) -> dict[str, Any]:
    """Columns of a `TokenUsage` row for embedding texts."""
    remote = embedder.provider == LlmProvider.OPENAI.value
    provider = LlmProvider.OPENAI if remote else LlmProvider.CUSTOM
    return usage_columns(prices, EMBEDDING, embedder.model, tokens, llm_provider=provider)
