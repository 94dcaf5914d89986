"""Answers from documents: what is computed before and after a model is asked."""
