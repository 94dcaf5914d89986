"""Benchmark of the server: CPU time for each request beside a hand-written floor on the same rows."""
