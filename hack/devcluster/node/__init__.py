"""The node agent of the dev cluster: runs pods as local processes."""
