"""Demo data of a new installation."""
