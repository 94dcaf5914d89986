"""Databases of companies: their servers, the template, creation and removal, and the journal of changes."""
