"""What a frozen heap costs and saves, in a process of its own."""

import json
import subprocess
import sys
from typing import Any

SCRIPT = """
import gc, json, weakref
from core.garbage_collection import GENERATION_THRESHOLDS, freeze_heap

class Cycle:
    def __init__(self):
        self.itself = self

modules = [[number] for number in range(100_000)]
dead = weakref.ref(Cycle())
freeze_heap()
frozen = gc.get_freeze_count()

collections = []
gc.callbacks.append(lambda phase, info: collections.append(info["generation"]) if phase == "stop" else None)
answer = [[number] for number in range(40_000)]
by_an_answer = len(collections)
del answer

alive = []
most = 0
for number in range(1_000_000):
    cycle = Cycle()
    alive.append(weakref.ref(cycle))
    if number % 10_000 == 0:
        alive = [found for found in alive if found() is not None]
        most = max(most, len(alive))
print(json.dumps({
    "dead": dead() is None, "frozen": frozen,
    "by_an_answer": by_an_answer, "most": most, "thresholds": gc.get_threshold() == GENERATION_THRESHOLDS,
}))
"""


def outcome() -> Any:
    """What the script found."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(result.stdout)


def test_the_heap_is_frozen_and_later_cycles_are_collected() -> None:
    found = outcome()

    assert found["dead"], "garbage is collected first, and not frozen"
    assert found["frozen"] > 100_000
    assert found["by_an_answer"] == 0, "a large answer starts no collection"
    assert found["most"] < 100_000, "cycles are collected"
    assert found["thresholds"]
