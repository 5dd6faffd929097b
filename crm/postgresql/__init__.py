"""Django's PostgreSQL backend, for the embedded server: it starts the server at the first connection, not before."""

__all__: list[str] = []
