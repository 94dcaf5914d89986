"""Index every list in every order, also after a filter or two."""

from migrations.tables import Indexes, replace_indexes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


CREATED: Indexes = {
    "activity_logs": [
        ("company_id", "resource_type", "timestamp", "id"),
        ("company_id", "user_id", "resource_type", "timestamp", "id"),
    ],
    "agent_logs": [
        ("company_id", "agent_type", "is_council_vote", "created_at", "id"),
        ("company_id", "user_id", "agent_type", "created_at", "id"),
        ("company_id", "user_id", "is_council_vote", "created_at", "id"),
        ("company_id", "user_id", "agent_type", "is_council_vote", "created_at", "id"),
    ],
    "analysis_results": [
        ("company_id", "comparison_id", "created_at", "id"),
        ("company_id", "drawing_name", "created_at", "id"),
        ("company_id", "session_id", "created_at", "id"),
        ("company_id", "session_id", "success", "created_at", "id"),
    ],
    "comparisons": [
        ("company_id", "session_id", "changes_detected", "created_at", "id"),
        ("company_id", "session_id", "changes_detected", "drawing_name", "id"),
        ("company_id", "session_id", "created_at", "id"),
    ],
    "conversations": [
        ("company_id", "status", "created_at", "id"),
        ("company_id", "status", "id"),
    ],
    "crawl_jobs": [
        ("company_id", "project_id", "status", "created_at", "id"),
    ],
    "drawing_sessions": [
        ("company_id", "project_id", "status", "created_at", "id"),
        ("company_id", "project_id", "status", "updated_at", "id"),
        ("company_id", "project_id", "updated_at", "id"),
        ("company_id", "status", "updated_at", "id"),
        ("company_id", "user_id", "project_id", "created_at", "id"),
        ("company_id", "user_id", "project_id", "updated_at", "id"),
        ("company_id", "user_id", "status", "created_at", "id"),
        ("company_id", "user_id", "status", "updated_at", "id"),
        ("company_id", "user_id", "updated_at", "id"),
    ],
    "drawing_versions": [
        ("company_id", "project_id", "upload_date", "id"),
    ],
    "export_jobs": [
        ("company_id", "crawl_job_id", "status", "created_at", "id"),
        ("company_id", "crawl_job_id", "user_id", "created_at", "id"),
        ("company_id", "user_id", "status", "created_at", "id"),
    ],
    "images": [
        ("company_id", "crawl_job_id", "is_valid", "id"),
        ("company_id", "crawl_job_id", "duplicate_group", "id"),
    ],
    "projects": [
        ("company_id", "status", "name", "id"),
        ("company_id", "status", "updated_at", "id"),
        ("company_id", "user_id", "name", "id"),
        ("company_id", "user_id", "status", "created_at", "id"),
        ("company_id", "user_id", "status", "name", "id"),
        ("company_id", "user_id", "status", "updated_at", "id"),
        ("company_id", "user_id", "updated_at", "id"),
    ],
    "run_logs": [
        ("company_id", "conversation_id", "status", "created_at", "id"),
        ("company_id", "user_id", "conversation_id", "created_at", "id"),
        ("company_id", "user_id", "status", "created_at", "id"),
    ],
    "token_usage": [
        ("company_id", "operation_type", "llm_provider", "created_at", "id"),
        ("company_id", "user_id", "llm_provider", "created_at", "id"),
        ("company_id", "user_id", "operation_type", "created_at", "id"),
        ("company_id", "user_id", "operation_type", "llm_provider", "created_at", "id"),
    ],
    "validation_jobs": [
        ("company_id", "crawl_job_id", "status", "created_at", "id"),
    ],
}
REPLACED: Indexes = {
    "analysis_results": [("company_id", "comparison_id", "id")],
    "crawl_jobs": [("company_id", "project_id", "status")],
    "projects": [("company_id", "user_id", "name")],
}
WHERE = {"duplicate_group": "duplicate_group IS NOT NULL"}


def upgrade() -> None:
    """Apply."""
    replace_indexes("tenant", CREATED, REPLACED, where=WHERE)


def downgrade() -> None:
    """Undo."""
    replace_indexes("tenant", REPLACED, CREATED)
