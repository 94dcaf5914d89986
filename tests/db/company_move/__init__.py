"""Moves of companies between databases."""
