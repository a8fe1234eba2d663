"""Members enrol, change and leave."""
