"""Reasoning tags: separates a model's `<think>…</think>` from its answer while it is streamed."""

import re
from collections.abc import Iterator

from core.ports import ReasoningDelta, TextDelta

NAMES = r"(?:\w+:)?(?:think|thinking|thought|thoughts|reason|reasoning|reflection|scratchpad|analysis)"
TAG = re.compile(
    rf"""(?P<closing><\s*/\s*{NAMES}\s*> | \[/THINK(?:ING)?\] | \u25c1/think(?:ing)?\u25b7
            | <\|end_of_(?:thought|thinking)\|> | <\|channel\|>final<\|message\|>)
      | (?P<opening><\s*{NAMES}(?:\s[^<>]*)?\s*> | \[THINK(?:ING)?\] | \u25c1think(?:ing)?\u25b7
            | <\|begin_of_(?:thought|thinking)\|> | <\|channel\|>analysis<\|message\|>)
      | (?P<control><\|(?:start|end)\|>(?:assistant)?)""",
    re.VERBOSE | re.IGNORECASE,
)
"""The tags of reasoning models, and the control tokens between their channels."""
OPENERS = "<[\u25c1"
CLOSERS = {"<": ">", "[": "]", "\u25c1": "\u25b7"}
MAX_TAG_LENGTH = 60


class ReasoningParser:
    """Splits streamed text into reasoning and answer. Tags may be split across deltas, or never closed."""

    def __init__(self) -> None:
        self._buffer = ""
        self._depth = 0
        self._is_answer = False

    def feed(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        """The parts that are complete with the next delta."""
        self._buffer += text
        yield from self._parse(self._incomplete_tag())

    def finish(self) -> Iterator[TextDelta | ReasoningDelta]:
        """What is left at the end."""
        yield from self._parse(len(self._buffer))

    def _parse(self, end: int) -> Iterator[TextDelta | ReasoningDelta]:
        position = 0
        for tag in TAG.finditer(self._buffer, 0, end):
            yield from self._part(self._buffer[position : tag.start()])
            position = tag.end()
            if tag["opening"]:
                self._depth += 1
            elif tag["closing"]:
                if not self._depth and not self._is_answer:
                    # Some models write only the closing tag: what came before is reasoning.
                    yield ReasoningDelta("", includes_previous_text=True)
                self._depth = max(0, self._depth - 1)
                self._is_answer = True
        yield from self._part(self._buffer[position:end])
        self._buffer = self._buffer[end:]

    def _part(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        if text:
            yield ReasoningDelta(text) if self._depth else TextDelta(text)

    def _incomplete_tag(self) -> int:
        """Where a tag begins that the buffer does not end, or the end of the buffer."""
        end = len(self._buffer)
        for start in range(max(0, end - MAX_TAG_LENGTH), end):
            opener = self._buffer[start]
            if opener in OPENERS and CLOSERS[opener] not in self._buffer[start:]:
                return start
            if self._buffer.startswith("<|channel|>", start) and "<|message|>" not in self._buffer[start:]:
                return start
        return end
