"""Benchmarks of crawls."""
