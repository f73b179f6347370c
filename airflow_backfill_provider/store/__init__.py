"""The registry database: the only SQL of the package."""
