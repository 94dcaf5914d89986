"""Questions about a drawing session, answered from its sheets, changes and words."""
