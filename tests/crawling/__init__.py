"""Crawls, from the wish to the images: over real local sites, with real workers."""
