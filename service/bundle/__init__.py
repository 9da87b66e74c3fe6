"""The bundle format: its reader, its writer and its checks."""
