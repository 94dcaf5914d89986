"""Company profiles, consumption and reports, as clients see them."""
