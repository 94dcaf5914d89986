"""Requirement proposals by a language model, as JSON of a fixed schema."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.ports import AnswerEnd, ChatModel, ChatRequest, Passage
from db.models import RequirementCategory, RequirementOrigin
from pipelines.chat.generation import UNSTORABLE, collect_reply
from pipelines.requirements.evidence import Sentence
from pipelines.requirements.pattern_library import Pattern
from resolvers.requirements.proposals import RequirementDraft

MAX_TOKENS = 1_500
MAX_REQUIREMENTS = 30
MAX_SENTENCES = 40

INSTRUCTIONS = (
    "You list what a user interface component needs. Answer with one JSON object and nothing else, without "
    'naming sources: {"requirements": [{"name": str, "type": str or null, "values": [str], "required": bool, '
    '"description": str, "requirement": str or null, "confidence": number from 0 to 1, "rationale": str}]}. '
    "`requirement` says in a sentence what accessibility asks, and is null for other things. List only what "
    "the sources tell, or what such a component cannot do without."
)

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class Suggestion(BaseModel):
    """A requirement in the model's response."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: ShortText
    type: ShortText | None = None
    values: list[ShortText] = Field(default=[], max_length=100)
    required: bool = False
    description: LongText = ""
    requirement: LongText | None = None
    confidence: float = Field(ge=0, le=1)
    rationale: LongText


class Suggestions(BaseModel):
    """The model's response."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requirements: list[Suggestion] = Field(max_length=MAX_REQUIREMENTS)


class MalformedResponse(ValueError):
    """The model's response does not match the schema."""


async def request_suggestions(
    model: ChatModel, category: RequirementCategory, pattern: Pattern, sentences: Sequence[Sentence]
) -> tuple[str, AnswerEnd]:
    """The model's response for one category. Raises `ModelFailure`."""
    request = ChatRequest(
        f"List the {category.value} of this {pattern.names[0]}.",
        passages=tuple(to_passage(sentence) for sentence in sentences[:MAX_SENTENCES]),
        instructions=INSTRUCTIONS,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
    )
    reply = await collect_reply(model, request)
    return reply.text, reply.end


def to_passage(sentence: Sentence) -> Passage:
    """A sentence as a passage of the request."""
    source = sentence.citation["document_title"] if sentence.citation else sentence.origin.value
    return Passage(None, str(source), None, 0, len(sentence.text), sentence.text, 1.0)


def parse_suggestions(text: str, model: str, category: RequirementCategory) -> list[RequirementDraft]:
    """The proposals in a response; a fence around the JSON is removed. Raises `MalformedResponse`."""
    body = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        suggestions = Suggestions.model_validate_json(body.translate(UNSTORABLE))
    except ValidationError as error:
        raise MalformedResponse(f"{error.error_count()} validation errors") from None
    return [to_proposal(requirement, model, category) for requirement in suggestions.requirements]


def to_proposal(suggestion: Suggestion, model: str, category: RequirementCategory) -> RequirementDraft:
    """A suggestion as a proposal of the model."""
    values: dict[str, Any] = {
        name: strip_unstorable(value) for name, value in suggestion.model_dump().items()
    }
    accessible = category is RequirementCategory.ACCESSIBILITY
    words = values["requirement"] or values["description"] or values["name"]
    return RequirementDraft(
        category=category,
        name=values["name"],
        confidence=suggestion.confidence,
        rationale=f"Proposed by {model}: {values['rationale']}"[:2_000],
        origin=RequirementOrigin.MODEL,
        type=values["type"],
        requirement=words if accessible else None,
        values=tuple(values["values"]),
        required=suggestion.required,
        description=values["description"] or None,
        source=model[:255],
    )


def strip_unstorable(value: Any) -> Any:
    """The value without characters that PostgreSQL cannot store."""
    if isinstance(value, list):
        return [strip_unstorable(item) for item in value]
    return value.translate(UNSTORABLE) if isinstance(value, str) else value
