"""An installation under load while its processes are killed and paused, and an independent check of its rows.

Run as `python -m tests.chaos --seconds 300 --seed 7`. Everything happens in one temporary folder on loopback.
"""
