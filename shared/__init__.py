"""The code that two or more functions need: domain, ports, adapters, entry point."""
