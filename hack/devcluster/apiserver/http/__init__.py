"""The HTTP side: paths, bodies, credentials, faults on demand; Requests in, answers out."""
