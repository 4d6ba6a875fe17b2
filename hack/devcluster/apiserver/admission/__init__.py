"""Admission: what is compiled into a real server, and webhooks."""
