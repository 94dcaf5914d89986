"""Companies, users, roles and activities."""
