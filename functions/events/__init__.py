"""Domain events: what the table's stream tells of entries, told to the bus."""
