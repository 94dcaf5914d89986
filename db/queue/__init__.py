"""The queue: jobs that begin when the transaction that asks for them commits. pgqueuer moves the entries."""

from db.queue.attempts import Attempt, CancellationRequested, CompletionHook, LostLease, FanOut, claim
from db.queue.errors import is_transient
from db.queue.jobs import JOB_MODELS, Job, JobModel, UnknownTask, deserialize, topics
from db.queue.requests import NotPending, cancel, enqueue, lock_parts, prepare, is_queued, restart, resume

__all__ = [
    "JOB_MODELS",
    "Attempt",
    "CancellationRequested",
    "CompletionHook",
    "Job",
    "JobModel",
    "LostLease",
    "NotPending",
    "FanOut",
    "UnknownTask",
    "cancel",
    "claim",
    "enqueue",
    "lock_parts",
    "is_transient",
    "prepare",
    "is_queued",
    "restart",
    "resume",
    "deserialize",
    "topics",
]
