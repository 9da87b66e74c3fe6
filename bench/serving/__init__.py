"""The service under load: throughput, latency, stages, memory and workers."""
