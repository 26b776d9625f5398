"""What any config may name: hooks and an optimizer constructor, registered."""
