"""Certificates: what a backend's answers to the frozen corpus amount to, as files that a sceptic can check
offline, and ask again."""
