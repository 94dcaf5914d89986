"""Council as part of an answer job: votes are published and checkpointed as they arrive."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from core.ports import ChatModel, ChatRequest
from db.models import CouncilStrategy
from pipelines.chat.confidence import council_confidence
from pipelines.chat.council import VOICES, Decision, Voice, decide
from pipelines.chat.council_rounds import (
    SYNTHESIS_INSTRUCTIONS,
    Ballot,
    ballots_of_round,
    run_rounds,
    strip_ballot_lines,
)
from pipelines.chat.generation import Emit, GeneratedAnswer, Reply, assess_reply, collect_reply
from pipelines.chat.reasoning import Step
from pipelines.runtime.handlers import Run
from resolvers.chat import answers
from resolvers.chat.answers import Question

MAX_VOTE_PREVIEW_LENGTH = 200
"""Characters of a vote in its published step."""


async def run_council(
    run: Run, model: ChatModel, question: Question, request: ChatRequest, tell: Emit, steps: list[Step]
) -> GeneratedAnswer:
    """Run a council, and emit its answer if a synthesis is written. Raises `ModelFailure` if no voice votes.

    Votes that an earlier attempt collected for the same request are reused.
    """
    fingerprint = request_fingerprint(request)
    ballots = restore_ballots(run, fingerprint)

    async def on_vote(voice: Voice, number: int, ballot: Ballot | None) -> None:
        async with run.write() as uow:
            if ballot is not None and ballot.reply is not None:
                cast = [ballot.serialize() for ballot in ballots if ballot.reply is not None]
                await run.save({"request": fingerprint, "ballots": cast}, uow)
            detail = f"Round {number}." if ballot is None else vote_summary(ballot, request)
            state = "started" if ballot is None else "completed"
            agent = f"council_{voice.name}"
            await answers.publish_step(uow, question, agent=agent, action="vote", state=state, detail=detail)

    await run_rounds(model, request, question.rounds, on_vote, ballots)
    last = ballots_of_round(ballots, question.rounds)
    replies: dict[str | None, Reply] = {
        ballot.voice: strip_ballot_lines(ballot.required_reply) for ballot in last
    }
    paid_replies = [ballot.required_reply for ballot in ballots if ballot.reply is not None]
    failed = [voice.name for voice in VOICES if voice.name not in replies]
    if question.strategy is CouncilStrategy.SYNTHESIS and len(last) > 1:
        proposals = tuple(reply.text for reply in replies.values())
        synthesis_request = replace(request, instructions=SYNTHESIS_INSTRUCTIONS, proposals=proposals)
        replies[None] = await collect_reply(model, synthesis_request, tell)
        paid_replies.append(replies[None])
    decision = decide(
        [ballot.vote(request) for ballot in last],
        question.strategy,
        synthesis=replies[None].text if None in replies else None,
        failed=failed,
    )
    steps += [*(vote_step(ballot, request) for ballot in sort_ballots(ballots)), decision_step(decision)]
    assessed = await assess_reply(
        replies[decision.speaker], request, embed=run.services.embedders.sentences.embed
    )
    return replace(
        assessed,
        confidence=council_confidence(assessed.confidence, decision.confidence),
        prompt_tokens=sum(reply.end.prompt_tokens for reply in paid_replies),
        completion_tokens=sum(reply.end.completion_tokens for reply in paid_replies),
        council=decision,
    )


def request_fingerprint(request: ChatRequest) -> str:
    """A hash of what the votes depend on: question, model, history and passages."""
    passages = [(passage.source, passage.page, passage.start, passage.text) for passage in request.passages]
    subject = (request.completed_question, request.model, request.history, passages)
    return sha256(repr(subject).encode(errors="replace")).hexdigest()


def restore_ballots(run: Run, fingerprint: str) -> list[Ballot]:
    """The ballots of an earlier attempt at the same request."""
    saved = run.checkpoint or {}
    return (
        [Ballot.deserialize(ballot) for ballot in saved["ballots"]]
        if saved.get("request") == fingerprint
        else []
    )


def sort_ballots(ballots: Sequence[Ballot]) -> list[Ballot]:
    """The ballots by round, then in the order of `VOICES`."""
    order = [voice.name for voice in VOICES]
    return sorted(ballots, key=lambda ballot: (ballot.round, order.index(ballot.voice)))


def vote_summary(ballot: Ballot, request: ChatRequest) -> str:
    """A vote in one line."""
    if ballot.reply is None:
        return f"Round {ballot.round}, no vote."
    vote = ballot.vote(request)
    return f"Round {ballot.round}, confidence {vote.confidence:.2f}: {vote.answer[:MAX_VOTE_PREVIEW_LENGTH]}"


def vote_step(ballot: Ballot, request: ChatRequest) -> Step:
    """The reasoning step of a ballot."""
    agent, detail = f"council_{ballot.voice}", vote_summary(ballot, request)
    if ballot.reply is None:
        code = ballot.failure.code.value if ballot.failure else None
        return Step(agent, "vote", detail=detail, output={"failed": code}, seconds=ballot.seconds)
    vote = ballot.vote(request)
    (temperature,) = (voice.temperature for voice in VOICES if voice.name == ballot.voice)
    return Step(
        agent,
        "vote",
        detail=detail,
        confidence=vote.confidence,
        output={"citations": len(ballot.required_reply.align(request.passages).citations)},
        tokens=(ballot.required_reply.end.prompt_tokens, ballot.required_reply.end.completion_tokens),
        seconds=ballot.seconds,
        vote={
            "agent": ballot.voice,
            "round": ballot.round,
            "temperature": temperature,
            "vote": vote.answer,
            "confidence": vote.confidence,
            "reasoning": vote.reasoning or None,
        },
    )


def decision_step(decision: Decision) -> Step:
    """The reasoning step of a decision."""
    spoken = f"in the words of {decision.speaker}" if decision.speaker else "as a synthesis"
    return Step(
        "council",
        "decide",
        detail=f"By {decision.basis.value} of {', '.join(decision.voices)}; {spoken}.",
        confidence=decision.confidence,
        output=serialize_decision(decision),
    )


def serialize_decision(decision: Decision) -> dict[str, Any]:
    """A decision as JSON, without its text, which the answer holds."""
    fields = {name: value for name, value in asdict(decision).items() if name != "answer"}
    return {**fields, "basis": decision.basis.value, "agreed": decision.has_consensus}
