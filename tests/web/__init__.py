"""Fetching, and finding images."""
