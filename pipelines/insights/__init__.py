"""Energy insights: imports of meter readings, and reports with optimized plans."""
