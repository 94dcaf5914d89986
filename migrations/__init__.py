"""The steps by which the tables of both planes came to be."""
