"""Slots of a worker: how many jobs of which queues it runs at a time."""

from collections.abc import Collection

from core.settings import Settings, SettingsError
from pipelines.handler_modules import queues as all_queues

SlotPool = tuple[frozenset[str], int]
"""Queues whose jobs share so many slots, independently of other pools."""


def slot_pools(queues: frozenset[str], settings: Settings) -> list[SlotPool]:
    """A pool for each queue with its own slots, and one for all other queues.

    Raises `SettingsError` for a setting of a queue without a handler.
    """
    for name, counted in (("QUEUE_SLOTS", settings.queue_slots), ("QUEUE_LIMITS", settings.queue_limits)):
        require_known_queues(name, counted)
    pools = [(frozenset({queue}), slots) for queue, slots in settings.queue_slots.items() if queue in queues]
    if shared := queues - settings.queue_slots.keys():
        pools.append((shared, settings.job_concurrency))
    return pools


def require_known_queues(name: str, queues: Collection[str]) -> None:
    """Raises `SettingsError`, which begins with `name`, for queues without a handler."""
    if unknown := set(queues) - all_queues():
        raise SettingsError(f"{name}: unknown queue {', '.join(sorted(unknown))}")
