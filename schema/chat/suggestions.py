"""What people might ask."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from resolvers.chat import suggestions
from resolvers.chat.suggestions import SuggestionSource
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import field

enumeration(SuggestionSource)

Most = Annotated[int, strawberry.argument(description="How many at most, up to 20.")]


@output
class Suggestion:
    """A question that the viewer might ask."""

    text: str
    """The question."""

    source: SuggestionSource
    """Where it comes from."""

    count: int
    """How many answers to it were liked, or how often it was asked; 0 for what documents offer."""


@output
class SuggestionQueries:
    @field
    async def suggestions(self, info: Info, first: Most = 5) -> list[Suggestion]:
        """What the viewer might ask, 20 at most: questions of the last 90 days in their sight whose answers
        were liked, then those asked most often, then what their newest documents offer.
        """
        found = await suggestions.list_suggestions(info.context.read(), info.context.viewer, first)
        return cast(list[Suggestion], found)
