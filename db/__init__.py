"""Models, the unit of work, loaders, the queue and events."""
