"""The models as a service: TensorFlow Serving's REST protocol over replicas on Ray Serve."""
