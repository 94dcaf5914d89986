"""Companies, users, roles and what people did, as clients see them."""
