"""Who exists and what they may do: accounts, tokens, companies, users, roles."""
