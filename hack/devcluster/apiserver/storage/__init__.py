"""The objects, their versions, and the watches that follow them."""
