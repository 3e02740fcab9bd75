"""The reference, made from the code: docs/reference/*.md."""
