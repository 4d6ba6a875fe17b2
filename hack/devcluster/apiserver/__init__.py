"""The API server of the dev cluster: REST, watch, admission, discovery."""
