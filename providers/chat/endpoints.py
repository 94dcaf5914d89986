"""The models that people may choose from, by the names of their endpoints."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from core.ports import ChatEvent, ChatModel, ChatRequest, RunErrorCode
from providers.openai_errors import model_failure

DEFAULT = "custom"
"""What the installation's own model is chosen by."""


class Endpoints:
    """The installation's own model, and those behind further endpoints; `model` names the former."""

    def __init__(self, default: ChatModel, named: Mapping[str, ChatModel]) -> None:
        self.model = default.model
        self._models = {DEFAULT: default, **named}

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """What the chosen one answers. No other one is asked in its place: what is said may be private."""
        chosen = self._models.get(request.provider or DEFAULT)
        if chosen is None:
            raise model_failure(RunErrorCode.MODEL_NOT_FOUND)
        async with aclosing(chosen.answer(request)) as events:
            async for event in events:
                yield event
