"""Hooks, optimizer wrappers and initialisers that any config may name."""
