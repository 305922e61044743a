"""Who owns which field: what server-side apply, and metadata.managedFields, are about. Pure."""
