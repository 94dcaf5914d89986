"""Tests of the alignment of sheets."""
