"""Reasoning tags: kept apart from the answer, wherever the stream is split."""

import random

import pytest

from core.ports import TextDelta
from providers.chat.reasoning_tags import ReasoningParser


def parse(*deltas: str) -> tuple[str, str]:
    """The answer and the reasoning of a stream."""
    parser, answer, reasoning = ReasoningParser(), "", ""
    events = [event for delta in deltas for event in parser.feed(delta)] + list(parser.finish())
    for event in events:
        if isinstance(event, TextDelta):
            answer += event.text
        else:
            if event.includes_previous_text:
                answer, reasoning = "", reasoning + answer
            reasoning += event.text
    return answer, reasoning


CASES = [
    ("<think>why</think>So.", "So.", "why"),
    ("<Thinking effort='2'>why</ THINKING >So, 3 < 4.", "So, 3 < 4.", "why"),
    ("<thought>why</thought><reasoning>how</reasoning>So.", "So.", "whyhow"),
    ("[THINK]why[/THINK]So [Source 1].", "So [Source 1].", "why"),
    ("\u25c1think\u25b7why\u25c1/think\u25b7So.", "So.", "why"),
    ("<|begin_of_thought|>why<|end_of_thought|>So.", "So.", "why"),
    ("<|channel|>analysis<|message|>why<|channel|>final<|message|>So.", "So.", "why"),
    ("<think>a<think>b</think>c</think>So.", "So.", "abc"),
    ("Well, <think>why</think>so.", "Well, so.", "why"),
    ("<think>why, for ever", "", "why, for ever"),
    ("why</think>So.</think>", "So.", "why"),
    ("A <thin line and [a bracket", "A <thin line and [a bracket", ""),
]
"""Streams, with their answers and reasoning."""


@pytest.mark.parametrize(("stream", "answer", "reasoning"), CASES)
def test_reasoning_is_kept_apart_wherever_the_stream_is_split(
    stream: str, answer: str, reasoning: str
) -> None:
    chance = random.Random(3)
    assert parse(stream) == parse(*stream) == (answer, reasoning)
    for _ in range(20):
        cuts = sorted(chance.sample(range(1, len(stream)), 3))
        pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert parse(*pieces) == (answer, reasoning)
