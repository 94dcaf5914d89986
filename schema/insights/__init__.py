"""Company profiles, consumption and reports."""
