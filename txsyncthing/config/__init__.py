"""The configuration: values, the official XML and JSON forms, and typed changes."""
