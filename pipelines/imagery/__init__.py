"""Image datasets: crawling, validation and export."""
