"""What is copied: every row of every table, with the values that it had, and nothing of other companies."""

from db.base import TenantModel
from db.company_move.execution import move_company
from db.company_move.tables import company_tables
from db.placement import Place
from tests.db.company_move.conftest import Installation
from tests.db.company_move.killed_process import QUICK

SAFE_TRIGGERS = {
    "number_activity",  # numbers rows without a number
    "tg_conversations_lock",
    "tg_documents_lock",
    *(  # derive a column from the row's parent, which is copied before
        f"tg_{name}_reader"
        for name in ("conversations", "messages", "citations", "feedback", "documents", "document_chunks")
    ),
    *(
        f"tg_{name}_deleted"  # notifies subscribers, who read the row where the company is
        for name in (
            "conversations",
            "crawl_jobs",
            "drawing_sessions",
            "export_jobs",
            "processing_jobs",
            "reports",
            "requirement_proposals",
            "text_checks",
            "validation_jobs",
        )
    ),
}


def test_every_table_of_the_tenant_plane_is_moved() -> None:
    names = [table.name for table in company_tables()]

    assert {table.fullname for table in TenantModel.metadata.sorted_tables} < set(names)
    assert len(names) == len(set(names))


def test_columns_that_wait_for_other_rows_can_be_null() -> None:
    tables = TenantModel.metadata.tables
    late = [(table.name, name) for table in company_tables() for name in table.late]

    assert late == [("tenant.messages", "parent_message_id")]
    assert all(tables[table].columns[name].nullable for table, name in late)


async def test_no_trigger_changes_rows_that_are_copied(installation: Installation) -> None:
    found = await installation.primary(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND $1::uuid IS NOT NULL "
        "AND tgrelid::regclass::text ~ '^(tenant|platform.leases|platform.outbox)'"
    )

    assert {row["tgname"] for row in found} == SAFE_TRIGGERS, "look at what each new trigger does in a move"


async def test_a_move_copies_every_row_and_deletes_it_at_the_source(
    installation: Installation, own: Place
) -> None:
    before = await installation.rows(None)
    tenant = {table.fullname for table in TenantModel.metadata.sorted_tables}
    assert before.keys() == tenant | {"platform.leases"}, "the factories make a row of each table"

    outcome = await move_company(installation.databases, installation.company_id, own, limits=QUICK)

    assert await installation.rows(own) == before
    assert outcome.rows > len(tenant)
    await installation.assert_settled(own)
