"""Image data sets: crawls, the images that they gather, checks and exports."""

from resolvers.imagery import crawl_jobs, exports, images, validation

__all__ = ["crawl_jobs", "exports", "images", "validation"]
