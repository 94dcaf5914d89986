"""Questions about a drawing session: the sheets that they name, what they ask, and the answers of rows."""
