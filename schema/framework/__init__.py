"""What every domain's types are built with: decorators, fields, limits, errors, global ids."""
