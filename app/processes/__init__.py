"""What process administrators do: check a folder, walk its scenarios, publish a version."""
