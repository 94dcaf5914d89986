"""Benchmark of the drawing comparison: a room for each section."""
