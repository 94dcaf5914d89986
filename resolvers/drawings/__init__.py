"""Drawing sessions, and the results that their pipeline stores."""
