"""Routes beside GraphQL, and who a request comes from."""
