"""The REST API: everything that programs may ask of a running node."""
