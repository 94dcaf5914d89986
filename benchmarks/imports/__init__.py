"""Benchmark of the imports of consumption: generated files, and what is understood of them."""
