"""The contracts of networks: one a kind of inputs and answers."""
