"""国密 hashes, ciphers and keys, each behind one small function."""
