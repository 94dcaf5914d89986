"""Servers that Seshat starts and stops itself: PostgreSQL and the vector store."""
