"""What people do with a task: one verb, one file; each guards, acts on the motion, and moves nothing else."""
