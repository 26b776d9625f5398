"""The one kind of error that the command-line tools end in a message for."""


class InputError(ValueError):
    """What the user gave cannot be used; the message says what would be."""
