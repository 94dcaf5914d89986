"""From a file of readings to what they say, and from a company's targets to a report."""
