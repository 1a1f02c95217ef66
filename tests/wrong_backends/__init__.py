"""Deliberately wrong backends: what the suite has to catch, and what it must not mistake for a fault."""
