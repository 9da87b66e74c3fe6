"""The routes beside /recommend: one module for each kind of thing that is asked for."""
