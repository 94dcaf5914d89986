"""Adapters for external services, which implement the ports of `core`."""
