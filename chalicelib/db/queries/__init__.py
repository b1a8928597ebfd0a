"""Reading: one module a thing that is read; each function takes an open, tenant-scoped connection."""
