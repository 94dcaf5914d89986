"""Drawing sessions, sheets, comparisons and analyses, as clients see them."""
