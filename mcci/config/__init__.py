"""`mcci.yml`: text in, a frozen model with positions out. Past `load`, nobody sees raw YAML."""
