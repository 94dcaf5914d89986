"""Dataset exports: a package writer for each format, as a stream of bytes."""
