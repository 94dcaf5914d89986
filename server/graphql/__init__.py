"""GraphQL over HTTP, server-sent events, multipart and WebSocket."""
