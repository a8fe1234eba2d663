"""Operators give and take points, with a reason."""
