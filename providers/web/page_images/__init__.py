"""Pictures that an HTML page shows or names, wherever it does."""

from providers.web.page_images.collector import collect_pictures
from providers.web.page_images.css import css_pictures
from providers.web.page_images.renditions import Picture, Rendition

__all__ = ["Picture", "Rendition", "collect_pictures", "css_pictures"]
