"""Comparison of two revisions of a drawing set: OCR, sheet matching, alignment, changes, overlay."""
