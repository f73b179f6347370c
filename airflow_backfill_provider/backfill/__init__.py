"""Pure: what is owed, and how it moves."""
