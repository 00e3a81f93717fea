"""Which image each service uses, and how it is pulled or built."""
