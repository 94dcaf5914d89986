"""Pushes to a Hugging Face Hub, or a server that has its API: one commit for all files of an export."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils.tqdm import disable_progress_bars

from core.ports import ObjectStore, PushDestination, PushFile, PushRefused, PushUnavailable

disable_progress_bars()

MARKER = "seshat.json"
"""File that says whose the repository is, and which files the last push has written."""
INITIAL_FILES = frozenset({".gitattributes"})
"""Files of a new repository."""
REPOSITORY_KIND = "dataset"
TIMEOUT_SECONDS = 30
REASONS = {
    401: "The hub does not accept the token of HF_TOKEN.",
    403: "The token of HF_TOKEN may not write to this repository.",
    404: "The hub has no such namespace, or the token of HF_TOKEN may not see it.",
}


class Hub:
    """A hub at an address that the operator has set; users choose the repository only.

    Files go through local disk, as the hub wants their digests first. Those that it has are not sent again.
    """

    def __init__(self, endpoint: str, token: str | None) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._api = HfApi(endpoint=self._endpoint, token=token or False)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def push(self, destination: PushDestination, store: ObjectStore, files: Sequence[PushFile]) -> str:
        """Push the files in one commit, which also deletes those of the last push that are not among them."""
        with TemporaryDirectory(prefix="seshat-push-") as folder:
            paths = [(file.name, await store.fetch(file.key, Path(folder, file.name))) for file in files]
            try:
                await asyncio.to_thread(self._commit, destination, paths)
            except HfHubHTTPError as error:
                raise self._reason(error) from None
            except (httpx2.TransportError, OSError):
                raise PushUnavailable("The hub cannot be reached.") from None
            except RuntimeError as error:  # of an upload, with the reason as its cause
                raise self._upload_reason(error) from None
        return f"{self._endpoint}/datasets/{destination.path}"

    def _commit(self, destination: PushDestination, paths: Sequence[tuple[str, Path]]) -> None:
        repository = destination.path
        self._api.create_repo(
            repository, repo_type=REPOSITORY_KIND, private=destination.is_private, exist_ok=True
        )
        earlier = self._owned_files(repository, destination.owner)
        names = [name for name, _ in paths]
        marker = json.dumps({"owner": destination.owner, "files": names}, indent=2).encode()
        deleted = sorted(earlier - set(names))
        with ExitStack() as stack:
            operations: list[Any] = [
                CommitOperationAdd(name, stack.enter_context(path.open("rb"))) for name, path in paths
            ]
            operations.append(CommitOperationAdd(MARKER, marker))
            operations += [CommitOperationDelete(name) for name in deleted]
            self._api.create_commit(
                repository, operations, commit_message="Push a data set", repo_type=REPOSITORY_KIND
            )

    def _owned_files(self, repository: str, owner: str) -> set[str]:
        """Files of the last push. Raises `PushRefused` if the repository holds something else."""
        present = set(self._api.list_repo_files(repository, repo_type=REPOSITORY_KIND))
        if present <= INITIAL_FILES:
            return set()
        known = self._marker(repository) if MARKER in present else {}
        if known.get("owner") != owner:
            raise PushRefused(
                "The repository exists and was not pushed by your company. Choose another name."
            )
        return present & {str(name) for name in known.get("files", ())}

    def _marker(self, repository: str) -> dict[str, Any]:
        url = f"{self._endpoint}/datasets/{repository}/resolve/main/{MARKER}"
        answer = httpx2.get(url, headers=self._headers, follow_redirects=True, timeout=TIMEOUT_SECONDS)
        if answer.status_code != 200:
            raise PushUnavailable(f"The hub answers {answer.status_code}.")
        try:
            known = answer.json()
        except ValueError:
            return {}
        return known if isinstance(known, dict) else {}

    def _upload_reason(self, error: RuntimeError) -> Exception:
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            return self._reason(cause)
        if isinstance(cause, httpx2.TransportError | OSError):
            return PushUnavailable("The hub cannot be reached.")
        return error

    def _reason(self, error: HfHubHTTPError) -> Exception:
        status = error.response.status_code
        if status == 429 or status >= 500:
            return PushUnavailable(f"The hub answers {status}.")
        return PushRefused(REASONS.get(status, f"The hub refuses the files with status {status}."))
