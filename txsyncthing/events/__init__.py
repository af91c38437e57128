"""What happens in a node, told to outsiders; never the plumbing between our own rooms."""
