"""Evaluation runs, and requirements that people reviewed."""
