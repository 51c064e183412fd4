"""Evidence that is bytes: what is listed, what is drawn by a seed and read, and what that shows."""
