"""Commands of the `seshat` command line."""
