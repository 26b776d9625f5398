"""The error that commands report as a message, without a traceback."""


class InputError(ValueError):
    """The user's input cannot be used; the message says what can."""
