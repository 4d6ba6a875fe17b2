"""The controllers of the dev cluster: each a reconcile function of what the caches hold."""
