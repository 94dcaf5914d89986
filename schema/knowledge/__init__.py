"""Documents, their pieces, and embedding models, as clients see them."""
