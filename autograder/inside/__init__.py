"""What runs beside a student's code: the runner and the wire. Standard library and numpy only.

Nothing in this package knows an answer, an expected value or a salt. The same files run in the
student's own notebook (through `autograder.checking`) and inside the sandbox.
"""
