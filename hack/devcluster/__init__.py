"""A Kubernetes that fits on a laptop, for development and tests: see README.md."""
