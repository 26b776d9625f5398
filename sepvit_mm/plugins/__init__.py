"""Hooks, an initialiser and an optimizer constructor that any config may name."""
