"""What members have, and why."""
