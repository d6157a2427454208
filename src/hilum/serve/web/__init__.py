"""The HTTP server: API, live events, metrics and the viewer. See ``app.create_app``."""
