"""E-mail to members: what the bus tells of them, told to them, once."""
