"""The models that people may choose from, by the names of their endpoints."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from core.ports import ChatEvent, ChatModel, ChatRequest, RunErrorCode
from providers.openai_errors import failed

USUAL = "custom"
"""What the installation's own model is chosen by."""


class Endpoints:
    """The installation's own model, and those behind further endpoints; `model` names the former."""

    def __init__(self, usual: ChatModel, named: Mapping[str, ChatModel]) -> None:
        self.model = usual.model
        self._models = {USUAL: usual, **named}

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """What the chosen one answers. No other one is asked in its place: what is said may be private."""
        chosen = self._models.get(request.provider or USUAL)
        if chosen is None:
            raise failed(RunErrorCode.MODEL_NOT_FOUND)
        async with aclosing(chosen.answer(request)) as events:
            async for event in events:
                yield event
