"""Comparing two revisions of a drawing set: pages, sheet names, alignment, changes, overlay."""
