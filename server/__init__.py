"""Wiring: the application, the worker, the command line, the embedded database."""
