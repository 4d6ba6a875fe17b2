"""The built-in kinds: their defaults, their rules, and what can be selected by."""
