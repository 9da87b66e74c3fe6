"""Profiles on servers: memcached, for shops whose profiles no process could hold."""
