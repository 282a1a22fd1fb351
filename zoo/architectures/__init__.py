"""The entries of the registry, a file a kind. Nothing here imports a framework."""
