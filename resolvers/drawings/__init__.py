"""What can be done with drawings: sessions and their answers, and what the pipeline writes."""
