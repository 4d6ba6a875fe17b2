"""What each verb and subresource does."""
