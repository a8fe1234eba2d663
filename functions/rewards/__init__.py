"""The catalog of rewards."""
