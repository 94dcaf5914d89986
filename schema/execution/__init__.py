"""The compiled executor: it plans an operation once and executes it a whole level at a time."""
