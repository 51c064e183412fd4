"""Notices: how they arrive, are answered and decided on; what follows from rules; what the public sees of them."""
