"""Content tags: the name an image has by what it is built from, so that nothing is built twice."""
