"""Energy plans hour by hour, in money and in emissions."""
