"""Cleanup of expired exports."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pipelines.runtime.handlers import Services
from pipelines.runtime.periodic import periodic
from resolvers.imagery import exports

EXPIRY_GRACE = timedelta(hours=1)
"""Time from an export's expiry to the deletion of its files, so that running downloads can end."""


@periodic("expired exports", timedelta(minutes=30), per_company=True)
async def purge_expired_exports(services: Services, company_id: UUID) -> None:
    """Delete the files of expired exports."""
    now = datetime.now(UTC)
    await exports.expire(services.database, company_id, now, EXPIRY_GRACE)
