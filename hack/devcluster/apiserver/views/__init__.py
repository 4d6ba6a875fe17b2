"""What clients are shown: discovery, OpenAPI, tables."""
