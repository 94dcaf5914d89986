"""The queue: jobs that begin when the transaction that asks for them commits. pgqueuer moves the entries."""

from db.queue.attempts import Attempt, Cancelling, Finish, LostLease, Parts, claim
from db.queue.errors import passing
from db.queue.jobs import KINDS, Job, JobModel, UnknownTask, revive, topics
from db.queue.requests import NotPending, cancel, enqueue, hold_parts, prepare, queued, restart, resume

__all__ = [
    "KINDS",
    "Attempt",
    "Cancelling",
    "Finish",
    "Job",
    "JobModel",
    "LostLease",
    "NotPending",
    "Parts",
    "UnknownTask",
    "cancel",
    "claim",
    "enqueue",
    "hold_parts",
    "passing",
    "prepare",
    "queued",
    "restart",
    "resume",
    "revive",
    "topics",
]
