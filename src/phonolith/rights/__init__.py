"""Licence evidence and the gate that every list and every byte passes."""
