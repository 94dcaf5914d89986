"""Tests of the graph as a whole: that it is complete, drawn as it is, and quick to read."""
