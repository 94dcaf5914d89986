"""A council within a job: its votes are told and kept as they come, and its decision is the answer."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from core.ports import ChatModel, ChatRequest
from db.models import CouncilStrategy
from pipelines.chat.confidence import deliberated
from pipelines.chat.council import VOICES, Decision, Voice, decide
from pipelines.chat.council_rounds import SYNTHESIS, Ballot, deliberate, of_round, plain
from pipelines.chat.generation import Answered, Reply, Tell, hear, weigh
from pipelines.chat.reasoning import Step
from pipelines.runtime.handlers import Run
from resolvers.chat import answers
from resolvers.chat.answers import Question

SHOWN = 200
"""Characters of a vote that watchers are told."""


async def counselled(
    run: Run, model: ChatModel, question: Question, request: ChatRequest, tell: Tell, steps: list[Step]
) -> Answered:
    """What a council answers, told when it is decided. Raises `ModelFailure` where nobody votes.

    Votes that an earlier attempt heard on the same passages are not asked for again.
    """
    mark = fingerprint(request)
    ballots = kept(run, mark)

    async def heard(voice: Voice, number: int, ballot: Ballot | None) -> None:
        async with run.write() as uow:
            if ballot is not None and ballot.reply is not None:
                cast = [each.stored() for each in ballots if each.reply is not None]
                await run.save({"request": mark, "ballots": cast}, uow)
            detail = f"Round {number}." if ballot is None else shown(ballot, request)
            state = "started" if ballot is None else "completed"
            agent = f"council_{voice.name}"
            await answers.publish_step(uow, question, agent=agent, action="vote", state=state, detail=detail)

    await deliberate(model, request, question.rounds, heard, ballots)
    last = of_round(ballots, question.rounds)
    spoken: dict[str | None, Reply] = {ballot.voice: plain(ballot.said) for ballot in last}
    said = [ballot.said for ballot in ballots if ballot.reply is not None]
    failed = [voice.name for voice in VOICES if voice.name not in spoken]
    if question.strategy is CouncilStrategy.SYNTHESIS and len(last) > 1:
        proposals = tuple(reply.text for reply in spoken.values())
        asked = replace(request, instructions=SYNTHESIS, proposals=proposals)
        spoken[None] = await hear(model, asked, tell)
        said.append(spoken[None])
    decision = decide(
        [ballot.vote(request) for ballot in last],
        question.strategy,
        synthesis=spoken[None].text if None in spoken else None,
        failed=failed,
    )
    if decision.speaker is not None:
        await tell(decision.answer)
    steps += [*(voted(ballot, request) for ballot in in_order(ballots)), decided(decision)]
    answered = await weigh(spoken[decision.speaker], request, embed=run.embedder.embed)
    return replace(
        answered,
        confidence=deliberated(answered.confidence, decision.confidence),
        prompt_tokens=sum(reply.end.prompt_tokens for reply in said),
        completion_tokens=sum(reply.end.completion_tokens for reply in said),
        council=decision,
    )


def fingerprint(request: ChatRequest) -> str:
    """What votes are on: the question, what was said before, and the passages."""
    passages = [(each.source, each.page, each.start, each.text) for each in request.passages]
    asked = (request.question, request.model, request.history, passages)
    return sha256(repr(asked).encode(errors="replace")).hexdigest()


def kept(run: Run, mark: str) -> list[Ballot]:
    """What an earlier attempt heard, if it was on the same."""
    saved = run.checkpoint or {}
    return [Ballot.kept(each) for each in saved["ballots"]] if saved.get("request") == mark else []


def in_order(ballots: Sequence[Ballot]) -> list[Ballot]:
    """By round, and in each by the order of the voices."""
    places = [voice.name for voice in VOICES]
    return sorted(ballots, key=lambda ballot: (ballot.round, places.index(ballot.voice)))


def shown(ballot: Ballot, request: ChatRequest) -> str:
    """A vote in a line."""
    if ballot.reply is None:
        return f"Round {ballot.round}, no vote."
    vote = ballot.vote(request)
    return f"Round {ballot.round}, confidence {vote.confidence:.2f}: {vote.answer[:SHOWN]}"


def voted(ballot: Ballot, request: ChatRequest) -> Step:
    """A voice's vote as a step, or that it failed."""
    agent, detail = f"council_{ballot.voice}", shown(ballot, request)
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
        output={"citations": len(ballot.said.cited(request.passages).citations)},
        tokens=(ballot.said.end.prompt_tokens, ballot.said.end.completion_tokens),
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


def decided(decision: Decision) -> Step:
    """The decision as a step."""
    spoken = f"in the words of {decision.speaker}" if decision.speaker else "in words of its own"
    return Step(
        "council",
        "decide",
        detail=f"By {decision.basis.value} of {', '.join(decision.voices)}; {spoken}.",
        confidence=decision.confidence,
        output=outcome(decision),
    )


def outcome(decision: Decision) -> dict[str, Any]:
    """A decision as it is kept with the answer, which holds its words."""
    kept = {name: value for name, value in asdict(decision).items() if name != "answer"}
    return {**kept, "basis": decision.basis.value, "agreed": decision.agreed}
