"""The energy plan hour by hour, in money and in emissions."""
