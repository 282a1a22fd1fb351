"""What runs a network: the backend, programs kept on disk, where the time of a request goes."""
