"""Adapters of what the product needs from outside, behind the ports of the core."""
