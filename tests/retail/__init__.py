"""A published year of a grocer's orders through the earning function, held to results computed apart from Laurel."""
