"""What goes wrong while building a bundle."""


class BundlingError(RuntimeError):
    """A bundle can't be built. The message holds what the tool said and what to do."""
