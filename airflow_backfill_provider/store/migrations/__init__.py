"""Alembic's migrations of the registry. What a released migration says never changes again."""
