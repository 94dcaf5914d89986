"""The queue: jobs that begin when the transaction that asks for them commits. pgqueuer moves the entries."""

from db.queue.attempts import Attempt, Cancelling, Finish, LostLease, claim
from db.queue.faults import passing
from db.queue.jobs import KINDS, Job, JobModel, UnknownTask, revive, topics
from db.queue.requests import NotPending, cancel, enqueue, prepare, queued, restart

__all__ = [
    "KINDS",
    "Attempt",
    "Cancelling",
    "Finish",
    "Job",
    "JobModel",
    "LostLease",
    "NotPending",
    "UnknownTask",
    "cancel",
    "claim",
    "enqueue",
    "passing",
    "prepare",
    "queued",
    "restart",
    "revive",
    "topics",
]
