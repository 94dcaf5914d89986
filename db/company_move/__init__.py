"""Moves of companies between databases while their users work: see `docs/company-moves.md`."""
