"""The API's own document."""
