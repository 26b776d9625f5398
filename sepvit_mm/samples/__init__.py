"""A user's annotated images, in whatever format: read, inspect, split, write."""
