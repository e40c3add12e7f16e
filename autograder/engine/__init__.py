"""The engine of the bank of graded steps: what a step is, how it is run, compared and explained."""
