"""What the use of models is recorded as."""

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
    **more: Any,
) -> dict[str, Any]:
    """A `TokenUsage` row's columns; its cost is null where the model, or its price, is not known."""
    return {
        "operation_type": operation,
        "model_name": model[:100] if model else None,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "estimated_cost": prices.cost(model or "", prompt_tokens, completion_tokens),
        **more,
    }


def embedding_usage_columns(prices: Prices, embedder: Embedder, tokens: int) -> dict[str, Any]:
    """The same, of texts that were embedded."""
    remote = embedder.provider == LlmProvider.OPENAI.value
    provider = LlmProvider.OPENAI if remote else LlmProvider.CUSTOM
    return usage_columns(prices, EMBEDDING, embedder.model, tokens, llm_provider=provider)
