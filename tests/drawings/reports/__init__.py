"""Reports of drawing sessions."""
