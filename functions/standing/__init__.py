"""A member's standing: tier and paid memberships."""
