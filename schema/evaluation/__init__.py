"""Evaluation runs and requirement exports, as clients see them."""
