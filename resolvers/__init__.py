"""What the product does: functions over a unit of work."""
