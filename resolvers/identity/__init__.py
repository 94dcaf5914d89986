"""Accounts, tokens, companies, users and roles."""
