"""Packing a data set: a writer for each format, that gives its bytes piece by piece."""
