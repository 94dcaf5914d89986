"""Pushes of exports to buckets and hubs."""

from core.errors import Conflict
from core.ports import PushDestination, PushFile, PushKind, PushRefused
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import pushes
from resolvers.imagery.pushes import PushDataset


@handles(PushDataset)
async def push_dataset(job: PushDataset, run: Run) -> CompletionHook:
    """Push the files of an export. Idempotent: files that an earlier attempt has pushed stay there."""
    async with run.read() as uow:
        packed = await pushes.files_to_push(uow, job.export_job_id)
    files = [PushFile(file.key, file.name, file.size) for file in packed]
    owner = str(run.company_id)
    destination = PushDestination(PushKind(job.kind), job.path, owner, job.bucket, job.is_private)
    done = list((run.checkpoint or {}).get("pushed", ()))

    async def on_pushed(name: str) -> None:
        done.append(name)
        await run.save({"pushed": list(done)})
        await run.report(len(done) / len(files))

    targets, store = run.services.push_targets, run.services.store
    try:
        url = await targets.push(destination, store, files, pushed=frozenset(done), on_pushed=on_pushed)
    except PushRefused as refused:
        raise Conflict(str(refused)) from None
    except FileNotFoundError:
        raise Conflict("The files of the export no longer exist. Export it again.") from None

    async def finish(uow: UnitOfWork) -> None:
        await pushes.complete(uow, run.id, url, len(files))

    return finish
