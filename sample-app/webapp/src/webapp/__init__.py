"""The page: a live map of the vehicles."""
