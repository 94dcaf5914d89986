"""Errors of bundled embedding models."""


class DamagedModel(Exception):
    """The checksum of the model file is wrong."""
