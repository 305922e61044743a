"""What goes with an image so that others can trust it: what is in it, how it was made, and a signature. All of it is
attached to the digest in the registry, and travels with it.
"""
