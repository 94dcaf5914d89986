"""Image data sets: crawls, images, validation and exports."""

from resolvers.imagery import crawl_jobs, exports, images, validation

__all__ = ["crawl_jobs", "exports", "images", "validation"]
