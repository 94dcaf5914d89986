"""What a language model proposes, where one is configured: as JSON of one form, or nothing."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.ports import AnswerEnd, ChatModel, ChatRequest, Passage, TextDelta
from db.models import RequirementCategory, RequirementOrigin
from pipelines.requirements.evidence import Sentence
from pipelines.requirements.pattern_library import Pattern
from resolvers.requirements.proposals import RequirementDraft

LONGEST = 1_500
MOST = 30
MOST_SENTENCES = 40

INSTRUCTIONS = (
    "You list what a user interface component needs. Answer with one JSON object and nothing else, without "
    'naming sources: {"requirements": [{"name": str, "type": str or null, "values": [str], "required": bool, '
    '"description": str, "requirement": str or null, "confidence": number from 0 to 1, "rationale": str}]}. '
    "`requirement` says in a sentence what accessibility asks, and is null for other things. List only what "
    "the sources tell, or what such a component cannot do without."
)

UNSTORABLE = dict.fromkeys((0, *range(0xD800, 0xE000)))
"""What no database can hold."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class Suggestion(BaseModel):
    """One requirement, as a model is to write it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Short
    type: Short | None = None
    values: list[Short] = Field(default=[], max_length=100)
    required: bool = False
    description: Long = ""
    requirement: Long | None = None
    confidence: float = Field(ge=0, le=1)
    rationale: Long


class Suggestions(BaseModel):
    """All of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requirements: list[Suggestion] = Field(max_length=MOST)


class Malformed(ValueError):
    """The model answered, but not in the form that was asked for."""


async def suggested(
    model: ChatModel, category: RequirementCategory, pattern: Pattern, said: Sequence[Sentence]
) -> tuple[str, AnswerEnd]:
    """What the model answers when asked for one category. Raises `ModelFailure`."""
    text, end = "", AnswerEnd(model.model, 0, 0)
    request = ChatRequest(
        f"List the {category.value} of this {pattern.names[0]}.",
        passages=tuple(passage(each) for each in said[:MOST_SENTENCES]),
        instructions=INSTRUCTIONS,
        temperature=0.0,
        max_tokens=LONGEST,
    )
    async for event in model.answer(request):
        match event:
            case TextDelta(text=piece):
                text += piece
            case AnswerEnd():
                end = event
    return text, end


def passage(sentence: Sentence) -> Passage:
    """A sentence as a source."""
    source = sentence.citation["document_title"] if sentence.citation else sentence.origin.value
    return Passage(None, str(source), None, 0, len(sentence.text), sentence.text, 1.0)


def parsed(text: str, model: str, category: RequirementCategory) -> list[RequirementDraft]:
    """The requirements in a model's answer; a fence around the JSON is let pass. Raises `Malformed`."""
    inner = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        found = Suggestions.model_validate_json(inner.translate(UNSTORABLE))
    except ValidationError as error:
        raise Malformed(f"{error.error_count()} faults") from None
    return [proposed(each, model, category) for each in found.requirements]


def proposed(suggestion: Suggestion, model: str, category: RequirementCategory) -> RequirementDraft:
    """The suggestion, with whose it is."""
    said: dict[str, Any] = {name: clean(value) for name, value in suggestion.model_dump().items()}
    accessible = category is RequirementCategory.ACCESSIBILITY
    words = said["requirement"] or said["description"] or said["name"]
    return RequirementDraft(
        category=category,
        name=said["name"],
        confidence=suggestion.confidence,
        rationale=f"{model} proposes it: {said['rationale']}"[:2_000],
        origin=RequirementOrigin.MODEL,
        type=said["type"],
        requirement=words if accessible else None,
        values=tuple(said["values"]),
        required=suggestion.required,
        description=said["description"] or None,
        source=model[:255],
    )


def clean(value: Any) -> Any:
    """The value without what no database can hold."""
    if isinstance(value, list):
        return [clean(each) for each in value]
    return value.translate(UNSTORABLE) if isinstance(value, str) else value
