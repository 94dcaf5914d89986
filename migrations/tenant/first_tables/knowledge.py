"""Documents, their chunks, and cached vectors."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import (
    create_index,
    create_table,
    drop_tables,
    references,
    references_tenant,
)


def create() -> None:
    """Create the tables."""
    create_table(
        "documents",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid()),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("filename", sa.String(500), nullable=False),
        sa.Column("original_filename", sa.String(500), nullable=False),
        sa.Column("file_path", sa.String(1000), nullable=False),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("file_type", sa.String(50)),
        sa.Column("mime_type", sa.String(100)),
        sa.Column("content_category", sa.String(50)),
        sa.Column("scope", sa.String(20), server_default="user", nullable=False),
        sa.Column("processing_status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("extracted_text", sa.Text()),
        sa.Column("summary", sa.Text()),
        sa.Column("keywords", JSON, server_default="[]", nullable=False),
        sa.Column("topics", JSON, server_default="[]", nullable=False),
        sa.Column("embedding_model", sa.String(100)),
        sa.Column("chunk_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("processed_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("document_scope", "scope", "global", "company", "user"),
        one_of("processing_status", "processing_status", "pending", "processing", "completed", "failed"),
        sa.CheckConstraint("file_size >= 0 AND chunk_count >= 0", name="sizes"),
        references("members", "uploaded_by_id"),
        references("uploads", "upload_id", ondelete="SET NULL"),
    )
    create_index("documents", "created_at", "id")
    create_index("documents", "processing_status", "created_at", "id")
    create_index("documents", "scope", "created_at", "id")
    create_index("documents", "upload_id")
    create_index("documents", "uploaded_by_id", "created_at", "id")
    create_index("documents", "uploaded_by_id", "processing_status", "created_at", "id")
    create_index(
        "documents",
        "created_at",
        "id",
        where="processing_status <> 'completed'",
        name="ix_documents_unprocessed",
    )

    create_table(
        "document_chunks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_index", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("token_count", sa.Integer()),
        sa.Column("vector_id", sa.String(100)),
        sa.Column("embedding_model", sa.String(100)),
        sa.Column("page_number", sa.Integer()),
        sa.Column("chunk_metadata", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("chunk_index >= 0 AND token_count >= 0", name="counts"),
        references("documents", "document_id"),
    )
    create_index("document_chunks", "document_id", "chunk_index", unique=True)
    create_index("document_chunks", "vector_id", unique=True, where="vector_id IS NOT NULL")

    create_table(
        "cached_vectors",
        sa.Column("fingerprint", sa.LargeBinary(), primary_key=True),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", INSTANT, server_default=NOW, nullable=False),
        references_tenant(),
    )
    create_index("cached_vectors", "used_at")


def drop() -> None:
    """Drop the tables."""
    drop_tables("cached_vectors", "document_chunks", "documents")
