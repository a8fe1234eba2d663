"""Members give points to each other."""
