"""What every job handler runs in: handlers, process pool, working directories, periodic tasks."""
