"""Migrations, through the functions that `seshat migrate` runs."""

from db import migrate
from tests.conftest import Postgres


async def test_a_migrated_database_stands_at_the_latest_revision_of_both_planes(postgres: Postgres) -> None:
    standings = [await migrate.standing(migrate.Target(plane, postgres.migrator)) for plane in migrate.SCHEMA]

    assert [(found.revision, found.error) for found in standings] == [
        (migrate.latest("control"), None),
        (migrate.latest("tenant"), None),
    ]
