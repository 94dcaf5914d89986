"""Image data sets, as clients see them."""
