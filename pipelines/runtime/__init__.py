"""Runtime of job handlers: registry, process pool, working folders, periodic tasks."""
