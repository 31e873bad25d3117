"""Back-channel logout: apps are told, server to server, that a session is over (OpenID Connect Back-Channel Logout)."""
