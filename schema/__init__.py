"""The GraphQL contract; `schema.contract` puts it together."""
