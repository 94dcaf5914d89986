"""Requirements of user interface components, proposed from designs, descriptions and documents."""
