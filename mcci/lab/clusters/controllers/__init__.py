"""What makes a cluster out of objects: loops that bring the world, or other objects, to what an object asks for."""
