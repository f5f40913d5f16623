"""The one exception for input that a person can put right."""


class InputError(ValueError):
    """Input that cannot be used as it is.

    The message is one sentence for the person who gave the input: what was expected, what came, and what to do. The
    app shows it as it stands; the command line prints it and exits with code 2.
    """
