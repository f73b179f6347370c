"""Verbs: what the system does, one action a module."""
