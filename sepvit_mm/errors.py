"""The one kind of error that commands end in a message for."""


class InputError(ValueError):
    """What the user gave cannot be used; the message says what can be."""
