"""What members gave to charities."""
