"""`mcci sync`: mcci.yml and what is generated from it, brought to the project's branches."""
