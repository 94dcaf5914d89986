"""Routing of chat requests to the model that the user has model."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from core.ports import ChatEvent, ChatModel, ChatRequest, RunErrorCode
from providers.model_failures import model_failure

DEFAULT_ENDPOINT = "custom"
"""Name of the default model."""


class Endpoints:
    """The default chat model and further ones by endpoint name. `model` is the name of the default."""

    def __init__(self, default: ChatModel, named: Mapping[str, ChatModel]) -> None:
        self.model = default.model
        self._models = {DEFAULT_ENDPOINT: default, **named}

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answers with the chosen model. There is no fallback, as questions may be confidential."""
        model = self._models.get(request.provider or DEFAULT_ENDPOINT)
        if model is None:
            raise model_failure(RunErrorCode.MODEL_NOT_FOUND)
        async with aclosing(model.answer(request)) as events:
            async for event in events:
                yield event
