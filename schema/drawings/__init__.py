"""Drawing sessions, sheets, comparisons and analyses."""
