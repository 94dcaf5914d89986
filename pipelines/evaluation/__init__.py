"""Evaluation runs, done."""
