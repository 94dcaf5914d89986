"""Job queue on PostgreSQL: a job is enqueued in the caller's transaction. pgqueuer delivers the entries."""

from db.errors import is_transient
from db.queue.faults import Fault
from db.queue.fenced_attempts import (
    Attempt,
    CancellationRequested,
    CompletionHook,
    FanOut,
    HeldElsewhere,
    LostLease,
    claim,
)
from db.queue.jobs import JOB_MODELS, Job, JobModel, UnknownTask, deserialize, topics
from db.queue.requests import NotPending, cancel, enqueue, is_queued, lock_parts, prepare, restart, resume

__all__ = [
    "JOB_MODELS",
    "Attempt",
    "CancellationRequested",
    "CompletionHook",
    "FanOut",
    "Fault",
    "HeldElsewhere",
    "Job",
    "JobModel",
    "LostLease",
    "NotPending",
    "UnknownTask",
    "cancel",
    "claim",
    "deserialize",
    "enqueue",
    "is_queued",
    "is_transient",
    "lock_parts",
    "prepare",
    "restart",
    "resume",
    "topics",
]
