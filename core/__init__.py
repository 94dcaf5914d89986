"""What every layer stands on: settings, errors, ports."""
