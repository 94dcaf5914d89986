"""Energy insights: company profile, consumption imports, and reports."""
