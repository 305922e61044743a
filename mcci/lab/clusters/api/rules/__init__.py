"""The rules of built-in kinds that no schema says: what must be there, what must fit, what never changes. Pure."""
