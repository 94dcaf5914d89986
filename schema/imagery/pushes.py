"""Pushes of exports to buckets and hubs."""

from __future__ import annotations

from strawberry import relay

from db import models
from resolvers.imagery import pushes
from resolvers.imagery.pushes import AllowedTargets, Bucket, Repository
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, mutation
from schema.jobs import ProcessingJob


@input
class PushBucketInput:
    """A bucket to push to. Every company has a folder of its own in it."""

    url: str
    """URL of the bucket, exactly as the server allows it."""

    folder: str
    """Folder for the files, of at most 100 letters, digits, dots, `_` and `-`."""


@input
class PushHubInput:
    """A repository of data sets to push to, on the hub of the server."""

    repository: str
    """Repository in the form `namespace/name`. It is created if it does not exist."""

    private: bool = True
    """Whether a new repository is private."""


@input
class DatasetPushInput(IdempotentInput):
    """Input of `datasetPush`. Give either `bucket` or `hub`."""

    export_job_id: relay.GlobalID
    """Global ID of the complete export."""

    bucket: PushBucketInput | None = None
    """Bucket to push to."""

    hub: PushHubInput | None = None
    """Repository to push to."""


@output
class DatasetPushPayload(Payload):
    job: ProcessingJob | None = None
    """The job. Its `jobMetadata` has the `url` of the files once it is complete."""


@output
class PushMutations:
    @mutation(idempotent=True)
    async def dataset_push(self, info: Info, input: DatasetPushInput) -> DatasetPushPayload:
        """Push the files of a complete export to a bucket, or in one commit to a repository of a hub.

        Files of an earlier push that are not among them are removed there.
        """
        settings = info.context.services.settings
        export = key_of(input.export_job_id, models.ExportJob, "input", "exportJobId")
        allowed = AllowedTargets(settings.push_buckets, settings.hf_namespaces, settings.hf_token is not None)
        bucket = Bucket(input.bucket.url, input.bucket.folder) if input.bucket else None
        repository = Repository(input.hub.repository, input.hub.private) if input.hub else None
        async with info.context.write() as uow:
            job = await pushes.push(
                uow, info.context.viewer, export, bucket=bucket, repository=repository, allowed=allowed
            )
        return DatasetPushPayload.of(job=job)
