"""What runs the containers of the lab's pods: a container engine, or this machine's own processes."""
