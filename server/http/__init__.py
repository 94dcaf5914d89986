"""HTTP routes besides GraphQL, and authentication."""
