"""The command that makes the local cloud, as far as it can be tested without one."""
