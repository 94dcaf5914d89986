"""Image data sets: how they are gathered, checked and packed."""
