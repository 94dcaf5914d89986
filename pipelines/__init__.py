"""Job handlers, and the pure computing beside them."""
