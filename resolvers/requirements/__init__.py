"""Requirements of components: proposed, reviewed, exported."""
