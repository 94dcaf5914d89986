"""Documents: text extraction, chunking, indexing and metadata."""
