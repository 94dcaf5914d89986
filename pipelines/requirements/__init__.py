"""Requirements of components, proposed from designs, descriptions and documents."""
