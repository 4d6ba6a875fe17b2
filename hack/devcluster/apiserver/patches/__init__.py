"""Patches of every type, and who owns which field."""
