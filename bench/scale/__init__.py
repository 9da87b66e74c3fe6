"""What encoding and counting cost as a shop grows, measured stage by stage."""
