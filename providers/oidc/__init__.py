"""OpenID Connect, as a relying party: discovery, signing keys, authorization code with PKCE, ID tokens."""
