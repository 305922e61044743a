"""`mcci mesh verify`: whether the mesh holds, as far as it can be found out from here."""
