"""The service under load: replicas and machines that die, too many requests, nonsense."""
