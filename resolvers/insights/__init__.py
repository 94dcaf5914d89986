"""What a company wants to reach, what it has consumed, and the reports about it."""
