"""What the person at the terminal is told when the local cloud cannot go on."""


class LocalCloudError(Exception):
    """Something is missing, taken or broken. Its text is one line that ends with what to do about it."""
