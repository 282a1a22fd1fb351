"""The service under load: replicas and machines that fail, too many requests, nonsense."""
