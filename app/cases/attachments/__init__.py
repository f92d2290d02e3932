"""附件: files that belong to a case; bytes on disk, a row that says whose they are and what they hold."""
