"""Statements about stored rows that must return none, whatever was killed when."""

JOB_TABLES = (
    "processing_jobs",
    "crawl_jobs",
    "crawl_chunks",
    "validation_jobs",
    "export_jobs",
    "evaluation_runs",
)


def jobs(condition: str, columns: str = "status, error_message") -> str:
    """Jobs of all kinds for which the condition holds."""
    return " UNION ALL ".join(
        f"SELECT '{table}' AS kind, id, task, {columns} FROM tenant.{table} WHERE {condition}"
        for table in JOB_TABLES
    )


DELTAS = """
SELECT e.message_id, string_agg(e.detail->>'text', '' ORDER BY e.sequence) AS streamed
FROM tenant.conversation_events e
WHERE e.kind = 'message_delta' AND e.sequence > coalesce((
    SELECT max(r.sequence) FROM tenant.conversation_events r
    WHERE r.company_id = e.company_id AND r.message_id = e.message_id AND r.kind = 'message_reset'), 0)
GROUP BY e.message_id
"""

INVARIANTS: dict[str, str] = {
    "jobs have ended": jobs("status NOT IN ('completed', 'failed', 'cancelled')"),
    "completed jobs say so": jobs(
        "status = 'completed' AND (progress <> 100 OR completed_at IS NULL OR error_message IS NOT NULL)",
        "progress::text, error_message",
    ),
    "no lease is left": "SELECT id, task, state, worker FROM platform.leases",
    "no queue entry is left": "SELECT id, entrypoint, status FROM platform.pgqueuer",
    "message counts": """
        SELECT c.id, c.message_count, count(m.id) FROM tenant.conversations c
        LEFT JOIN tenant.messages m ON m.company_id = c.company_id AND m.conversation_id = c.id
        GROUP BY c.company_id, c.id HAVING c.message_count <> count(m.id)""",
    "token counts of conversations": """
        SELECT c.id, c.total_tokens_used, sum(m.total_tokens) FROM tenant.conversations c
        LEFT JOIN tenant.messages m ON m.company_id = c.company_id AND m.conversation_id = c.id
        GROUP BY c.company_id, c.id HAVING c.total_tokens_used <> coalesce(sum(m.total_tokens), 0)""",
    "conversation events are numbered without gaps": """
        SELECT c.id, c.event_count, count(e.id), max(e.sequence) FROM tenant.conversations c
        LEFT JOIN tenant.conversation_events e ON e.company_id = c.company_id AND e.conversation_id = c.id
        GROUP BY c.company_id, c.id
        HAVING c.event_count <> count(e.id) OR c.event_count <> coalesce(max(e.sequence), 0)""",
    "streamed text is the stored text": f"""
        SELECT m.id, m.content, d.streamed FROM tenant.messages m
        LEFT JOIN ({DELTAS}) d ON d.message_id = m.id
        WHERE m.role = 'assistant' AND m.state = 'completed' AND m.content <> coalesce(d.streamed, '')""",
    "answers are completed once": """
        SELECT m.id, m.state, count(e.id) FROM tenant.messages m
        LEFT JOIN tenant.conversation_events e ON e.company_id = m.company_id AND e.message_id = m.id
            AND e.kind = 'message_completed'
        WHERE m.role = 'assistant' GROUP BY m.company_id, m.id, m.state
        HAVING m.state <> 'completed' OR count(e.id) <> 1""",
    "answers are logged once": """
        SELECT m.id, count(r.id) FROM tenant.messages m
        LEFT JOIN tenant.run_logs r ON r.company_id = m.company_id AND r.message_id = m.id
        WHERE m.role = 'assistant' GROUP BY m.company_id, m.id HAVING count(r.id) <> 1""",
    "token usage is counted once": """
        SELECT operation_type, operation_id, model_name, count(*) FROM tenant.token_usage
        WHERE operation_type IN ('chat', 'council_voting')
        GROUP BY company_id, operation_type, operation_id, model_name HAVING count(*) > 1""",
    "citations are stored once": """
        SELECT message_id, inline_number, text_start_index, count(*) FROM tenant.citations
        GROUP BY company_id, message_id, inline_number, source_index, text_start_index HAVING count(*) > 1""",
    "chunk counts": """
        SELECT d.id, d.processing_status, d.chunk_count, count(c.id) FROM tenant.documents d
        LEFT JOIN tenant.document_chunks c ON c.company_id = d.company_id AND c.document_id = d.id
        GROUP BY d.company_id, d.id HAVING d.chunk_count <> count(c.id)
            OR count(c.id) <> coalesce(max(c.chunk_index) + 1, 0)""",
    "documents have the state of their job": """
        SELECT d.id, d.processing_status, j.status, j.error_message FROM tenant.documents d
        JOIN tenant.processing_jobs j ON j.company_id = d.company_id AND j.id = d.id
        WHERE d.processing_status <> j.status""",
    "chunks are of their document's model": """
        SELECT c.id, c.embedding_model, d.embedding_model FROM tenant.document_chunks c
        JOIN tenant.documents d ON d.company_id = c.company_id AND d.id = c.document_id
        WHERE c.embedding_model IS DISTINCT FROM d.embedding_model""",
    "companies are searched with the active model": """
        SELECT c.id, c.name FROM platform.companies c
        WHERE c.embedding_model_id IS NOT NULL
        AND c.embedding_model_id <> (SELECT id FROM platform.embedding_models WHERE is_active)""",
    "crawl counters": """
        SELECT j.id, j.downloaded_images, j.valid_images, j.active_chunks, j.completed_chunks,
            j.failed_chunks,
            j.total_chunks, (SELECT count(*) FROM tenant.images i
                WHERE i.company_id = j.company_id AND i.crawl_job_id = j.id) AS images
        FROM tenant.crawl_jobs j WHERE j.active_chunks <> 0 OR j.failed_chunks <> 0
            OR j.completed_chunks <> j.total_chunks
            OR j.total_chunks <> (SELECT count(*) FROM tenant.crawl_chunks c
                WHERE c.company_id = j.company_id AND c.crawl_job_id = j.id)
            OR j.downloaded_images <> (SELECT count(*) FROM tenant.images i
                WHERE i.company_id = j.company_id AND i.crawl_job_id = j.id)""",
    "images are stored once": """
        SELECT crawl_job_id, original_url, count(*) FROM tenant.images
        GROUP BY company_id, crawl_job_id, original_url HAVING count(*) > 1""",
    "image validation counters": """
        SELECT v.id, v.total_images, v.validated_images, v.invalid_images FROM tenant.validation_jobs v
        WHERE v.validated_images <> v.total_images OR v.total_images <> (SELECT count(*) FROM tenant.images i
            WHERE i.company_id = v.company_id AND i.crawl_job_id = v.crawl_job_id)""",
    "export counters": """
        SELECT id, total_images, exported_images, file_size FROM tenant.export_jobs
        WHERE exported_images <> total_images OR file_size IS NULL""",
    "readings are stored once": """
        SELECT import_id, period, starts_on, count(*) FROM tenant.consumption_readings
        GROUP BY company_id, import_id, period, starts_on HAVING count(*) > 1""",
    "imports are complete": """
        SELECT id, completed_at FROM tenant.historical_data_imports
        WHERE completed_at IS NULL OR summary IS NULL""",
    "readings are those of one import": """
        SELECT company_id, array_agg(days) FROM (
            SELECT i.company_id, i.id, count(r.id) AS days FROM tenant.historical_data_imports i
            LEFT JOIN tenant.consumption_readings r ON r.company_id = i.company_id AND r.import_id = i.id
                AND r.period = 'day'
            GROUP BY i.company_id, i.id) AS imported
        GROUP BY company_id HAVING max(days) <> 40 OR sum(days) <> 40""",
    "report events are numbered without gaps": """
        SELECT r.id, r.event_count, count(e.id) FROM tenant.reports r
        LEFT JOIN tenant.report_events e ON e.company_id = r.company_id AND e.report_id = r.id
        GROUP BY r.company_id, r.id
        HAVING r.event_count <> count(e.id) OR r.event_count <> coalesce(max(e.sequence), 0)
            OR count(e.id) FILTER (WHERE e.kind = 'completed') <> 1 OR r.generated_at IS NULL""",
    "saved reports have their files": """
        SELECT id, title, files FROM tenant.saved_reports WHERE jsonb_array_length(files::jsonb) = 0""",
    "proposals are complete": """
        SELECT p.id, p.stage, p.error_message, p.item_count, count(i.id) FROM tenant.requirement_proposals p
        LEFT JOIN tenant.proposed_requirements i ON i.company_id = p.company_id AND i.proposal_id = p.id
        GROUP BY p.company_id, p.id HAVING p.stage <> 'complete' OR p.item_count <> count(i.id)""",
    "requirements are proposed once": """
        SELECT proposal_id, category, key, count(*) FROM tenant.proposed_requirements
        GROUP BY company_id, proposal_id, category, key HAVING count(*) > 1""",
    "evaluations have a case for each question": """
        SELECT r.id, count(c.id) FROM tenant.evaluation_runs r
        LEFT JOIN tenant.evaluation_cases c ON c.company_id = r.company_id AND c.run_id = r.id
        GROUP BY r.company_id, r.id
        HAVING count(c.id) <> 4 OR count(DISTINCT c.number) <> 4 OR r.metrics IS NULL
            OR count(c.error_message) > 0""",
    "sessions are complete": """
        SELECT s.id, s.status, s.error_message,
            (SELECT count(*) FROM tenant.drawings d
                WHERE d.company_id = s.company_id AND d.session_id = s.id),
            (SELECT count(*) FROM tenant.comparisons c
                WHERE c.company_id = s.company_id AND c.session_id = s.id),
            (SELECT count(*) FROM tenant.analysis_results a
                WHERE a.company_id = s.company_id AND a.session_id = s.id AND a.success)
        FROM tenant.drawing_sessions s WHERE s.status <> 'completed'
            OR (SELECT count(*) FROM tenant.drawings d
                WHERE d.company_id = s.company_id AND d.session_id = s.id) <> 2
            OR (SELECT count(*) FROM tenant.comparisons c
                WHERE c.company_id = s.company_id AND c.session_id = s.id) <> 1
            OR (SELECT count(*) FROM tenant.analysis_results a
                WHERE a.company_id = s.company_id AND a.session_id = s.id AND a.success) <> 1""",
    "activities are numbered": """
        SELECT id, action FROM tenant.activity_logs WHERE sequence IS NULL""",
    "creations are logged once": """
        SELECT action, resource_id, count(*) FROM tenant.activity_logs
        WHERE action ~ '_(CREATE|DELETE|UPLOAD|GENERATE|IMPORT)$'
        GROUP BY company_id, action, resource_id HAVING count(*) > 1""",
    "every company of the shared database has its tenant": """
        SELECT coalesce(c.id, t.company_id) FROM platform.companies c
        FULL JOIN tenant.tenants t ON t.company_id = c.id
        WHERE (c.id IS NULL OR t.company_id IS NULL) = (c.database_name IS NULL)""",
    "no connection is left inside a transaction": """
        SELECT pid, application_name, state, query FROM pg_stat_activity
        WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '2 seconds'""",
}
