"""Council rounds: all voices answer concurrently, knowing the others' answers of the previous round."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.ports import AnswerEnd, ChatModel, ChatRequest, ModelFailure, Quotation
from pipelines.chat.council import VOICES, Voice, Vote, vote_confidence
from pipelines.chat.generation import Reply, cited_similarity, collect_reply

BALLOT_INSTRUCTIONS = (
    "After your answer write two more lines: `Confidence: high`, `Confidence: medium` or `Confidence: low`, "
    "and `Reasoning: ` with why, in one or two sentences."
)
SYNTHESIS_INSTRUCTIONS = (
    "Several people have answered the question. Make one answer of theirs that keeps what they agree on and "
    "what the sources support."
)

CONFIDENCE_LINE = re.compile(
    r"^\W*confidence\W*:\W*(?P<level>high|medium|low)\b[^\n]*$", re.IGNORECASE | re.MULTILINE
)
REASONING_LINE = re.compile(r"^\W*reasoning\W*:\W*(?P<why>[^\n]+)", re.IGNORECASE | re.MULTILINE)

QUOTATION_LEVELS = {0.7: "high", 0.5: "medium"}
"""Confidence levels by the minimum score of the best quotation."""


@dataclass(frozen=True)
class Ballot:
    """One voice's reply in one round (from 1), or the failure, and the seconds it took."""

    round: int
    voice: str
    seconds: float
    reply: Reply | None = None
    failure: ModelFailure | None = None

    def serialize(self) -> dict[str, Any]:
        """The ballot as JSON for a checkpoint."""
        return {
            "round": self.round,
            "voice": self.voice,
            "seconds": self.seconds,
            "reply": asdict(self.required_reply),
        }

    @classmethod
    def deserialize(cls, stored: Mapping[str, Any]) -> "Ballot":
        """A ballot from the JSON of `serialize`."""
        said = stored["reply"]
        quotations = tuple(Quotation(**quotation) for quotation in said["quotations"])
        reply = Reply(said["text"], quotations, AnswerEnd(**said["end"]))
        return cls(stored["round"], stored["voice"], stored["seconds"], reply)

    def vote(self, request: ChatRequest) -> Vote:
        """The vote. Its answer excludes the lines that state confidence and reasoning."""
        reply = self.required_reply
        level, reasoning = stated_confidence(reply)
        source_similarity = (
            cited_similarity(request.passages, reply.align(request.passages)) if request.passages else None
        )
        (weight,) = (voice.weight for voice in VOICES if voice.name == self.voice)
        confidence = vote_confidence(level, source_similarity, reasoning)
        return Vote(self.voice, strip_ballot_lines(reply).text, round(confidence, 4), reasoning, weight)

    @property
    def required_reply(self) -> Reply:
        """The reply. Raises `ValueError` if there is none."""
        if self.reply is None:
            raise ValueError("This ballot has no reply.")
        return self.reply


OnVote = Callable[[Voice, int, Ballot | None], Awaitable[None]]
"""Called with None when a voice starts a round, and with its ballot when it ends."""


async def run_rounds(
    model: ChatModel, request: ChatRequest, rounds: int, on_vote: OnVote, ballots: list[Ballot]
) -> None:
    """Add the missing ballots to `ballots`. Raises `ModelFailure` if all voices of a round fail.

    A voice that fails in a round is asked again in the next round.
    """
    for number in range(1, rounds + 1):
        previous_answers = {
            ballot.voice: ballot.vote(request).answer for ballot in ballots_of_round(ballots, number - 1)
        }
        voted_names = {ballot.voice for ballot in ballots_of_round(ballots, number)}
        missing = [voice for voice in VOICES if voice.name not in voted_names]
        for voice in missing:
            await on_vote(voice, number, None)
        calls = [
            _cast_ballot(model, voice_request(voice, request, previous_answers), voice, number)
            for voice in missing
        ]
        async with aclosing(_as_completed(calls)) as completed:
            async for ballot in completed:
                ballots.append(ballot)
                await on_vote(next(voice for voice in VOICES if voice.name == ballot.voice), number, ballot)
        if not ballots_of_round(ballots, number):
            raise next(ballot.failure for ballot in ballots if ballot.round == number and ballot.failure)


def ballots_of_round(ballots: Sequence[Ballot], number: int) -> list[Ballot]:
    """The successful ballots of a round, in the order of `VOICES`."""
    replies = {
        ballot.voice: ballot for ballot in ballots if ballot.round == number and ballot.reply is not None
    }
    return [replies[voice.name] for voice in VOICES if voice.name in replies]


def voice_request(voice: Voice, request: ChatRequest, previous_answers: Mapping[str, str]) -> ChatRequest:
    """The request to one voice, with the previous answers of the others as proposals."""
    return replace(
        request,
        instructions=f"{voice.instructions} {BALLOT_INSTRUCTIONS}",
        temperature=voice.temperature,
        stance=voice.stance,
        proposals=tuple(answer for name, answer in previous_answers.items() if name != voice.name),
    )


def stated_confidence(reply: Reply) -> tuple[str | None, str]:
    """The confidence level that a reply states, and its reasoning.

    For quotations the level follows from the score of the best one; finding nothing is low.
    """
    if reply.quotations:
        best = max(quotation.confidence for quotation in reply.quotations)
        sources = sorted({quotation.source for quotation in reply.quotations})
        level = next((word for least, word in QUOTATION_LEVELS.items() if best >= least), "low")
        source_list = " and ".join(f"source {place}" for place in sources)
        why = f"It quotes {source_list}; the best quotation scores {best:.2f}."
        return level, why
    if reply.end.found is False:
        return "low", "No sentence of the sources scores high enough to be quoted."
    level_match, reasoning_match = CONFIDENCE_LINE.search(reply.text), REASONING_LINE.search(reply.text)
    return level_match and level_match["level"], reasoning_match["why"].strip() if reasoning_match else ""


def strip_ballot_lines(reply: Reply) -> Reply:
    """The reply without the lines that state confidence and reasoning, unless there is nothing else."""
    if reply.quotations:
        return reply
    text = REASONING_LINE.sub("", CONFIDENCE_LINE.sub("", reply.text)).strip()
    return replace(reply, text=text or reply.text)


async def _cast_ballot(model: ChatModel, request: ChatRequest, voice: Voice, number: int) -> Ballot:
    started_at = time.monotonic()
    try:
        reply = await collect_reply(model, request)
    except ModelFailure as failure:
        return Ballot(number, voice.name, time.monotonic() - started_at, failure=failure)
    return Ballot(number, voice.name, time.monotonic() - started_at, reply)


async def _as_completed(calls: Sequence[Coroutine[Any, Any, Ballot]]) -> AsyncGenerator[Ballot, None]:
    """The results in order of completion. Closing the generator cancels the calls that still run."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        for completed in asyncio.as_completed(tasks):
            yield await completed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
