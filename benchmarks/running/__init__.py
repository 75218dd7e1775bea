"""Makes the environments that are measured in and runs the parts there. Standard library only."""
