"""Image data sets: crawls, the images that they gather, checks and exports."""

from resolvers.imagery import crawls, exports, images, validation

__all__ = ["crawls", "exports", "images", "validation"]
