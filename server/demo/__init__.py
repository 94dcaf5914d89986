"""What a new installation shows: drawings that the project draws itself."""
