"""Suggested questions."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from resolvers.chat import suggestions
from resolvers.chat.suggestions import SuggestionSource
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import field

enumeration(SuggestionSource)

MaxSuggestions = Annotated[int, strawberry.argument(description="Maximum number of suggestions, up to 20.")]


@output
class Suggestion:
    """A suggested question."""

    text: str
    """Text of the question."""

    source: SuggestionSource
    """Source of the suggestion."""

    count: int
    """Number of positive ratings, or of times asked. 0 for suggestions derived from documents."""


@output
class SuggestionQueries:
    @field
    async def suggestions(self, info: Info, first: MaxSuggestions = 5) -> list[Suggestion]:
        """Suggested questions for the viewer. Maximum 20. Questions of the last 90 days with positively rated
        answers come first, then the most frequent questions, then questions derived from the newest
        documents.
        """
        found = await suggestions.list_suggestions(info.context.read(), info.context.viewer, first)
        return cast(list[Suggestion], found)
