"""Pushes of exports to buckets and hubs."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from core.ports import ObjectStore, PushDestination, PushFile, PushKind
from core.settings import Settings
from providers.pushes.buckets import push_to_bucket


class ConfiguredTargets:
    """`core.ports.PushTargets` of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def push(
        self,
        destination: PushDestination,
        store: ObjectStore,
        files: Sequence[PushFile],
        *,
        pushed: Collection[str],
        on_pushed: Callable[[str], Awaitable[None]],
    ) -> str:
        """The library of hubs is imported when it is needed."""
        if destination.kind is PushKind.BUCKET:
            allowed = self._settings.push_buckets
            return await push_to_bucket(
                allowed, destination, store, files, pushed=pushed, on_pushed=on_pushed
            )
        from providers.pushes.hub import Hub

        token = self._settings.hf_token.get_secret_value() if self._settings.hf_token else None
        return await Hub(self._settings.hf_endpoint, token).push(destination, store, files)
