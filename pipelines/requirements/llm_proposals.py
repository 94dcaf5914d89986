"""What a language model proposes, where one is configured: as JSON of one form, or nothing."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.ports import AnswerEnd, ChatModel, ChatRequest, Passage, TextDelta
from db.models import RequirementCategory, RequirementOrigin
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

UNSTORABLE = dict.fromkeys((0, *range(0xD800, 0xE000)))
"""What no database can hold."""

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class Suggestion(BaseModel):
    """One requirement, as a model is to write it."""

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
    """All of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requirements: list[Suggestion] = Field(max_length=MAX_REQUIREMENTS)


class MalformedResponse(ValueError):
    """The model answered, but not in the form that was asked for."""


async def request_suggestions(
    model: ChatModel, category: RequirementCategory, pattern: Pattern, sentences: Sequence[Sentence]
) -> tuple[str, AnswerEnd]:
    """What the model answers when asked for one category. Raises `ModelFailure`."""
    text, end = "", AnswerEnd(model.model, 0, 0)
    request = ChatRequest(
        f"List the {category.value} of this {pattern.names[0]}.",
        passages=tuple(to_passage(each) for each in sentences[:MAX_SENTENCES]),
        instructions=INSTRUCTIONS,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
    )
    async for event in model.answer(request):
        match event:
            case TextDelta(text=piece):
                text += piece
            case AnswerEnd():
                end = event
    return text, end


def to_passage(sentence: Sentence) -> Passage:
    """A sentence as a source."""
    source = sentence.citation["document_title"] if sentence.citation else sentence.origin.value
    return Passage(None, str(source), None, 0, len(sentence.text), sentence.text, 1.0)


def parse_suggestions(text: str, model: str, category: RequirementCategory) -> list[RequirementDraft]:
    """The requirements in a model's answer; a fence around the JSON is let pass. Raises `Malformed`."""
    body = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        parsed_ = Suggestions.model_validate_json(body.translate(UNSTORABLE))
    except ValidationError as error:
        raise MalformedResponse(f"{error.error_count()} faults") from None
    return [to_proposal(each, model, category) for each in parsed_.requirements]


def to_proposal(suggestion: Suggestion, model: str, category: RequirementCategory) -> RequirementDraft:
    """The suggestion, with whose it is."""
    values: dict[str, Any] = {name: strip_unstorable(value) for name, value in suggestion.model_dump().items()}
    accessible = category is RequirementCategory.ACCESSIBILITY
    words = values["requirement"] or values["description"] or values["name"]
    return RequirementDraft(
        category=category,
        name=values["name"],
        confidence=suggestion.confidence,
        rationale=f"{model} proposes it: {values['rationale']}"[:2_000],
        origin=RequirementOrigin.MODEL,
        type=values["type"],
        requirement=words if accessible else None,
        values=tuple(values["values"]),
        required=suggestion.required,
        description=values["description"] or None,
        source=model[:255],
    )


def strip_unstorable(value: Any) -> Any:
    """The value without what no database can hold."""
    if isinstance(value, list):
        return [strip_unstorable(each) for each in value]
    return value.translate(UNSTORABLE) if isinstance(value, str) else value
