"""The drawing comparison."""
