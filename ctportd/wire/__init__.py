"""The wire protocol of ctserver without any I/O: bytes in, messages out, and back."""
