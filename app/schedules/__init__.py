"""定期任务: what the house does again and again, whoever is at work and whoever was killed."""
