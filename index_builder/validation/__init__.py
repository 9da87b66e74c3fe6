"""The choices made by the last days before the cut, and the publish gate."""
