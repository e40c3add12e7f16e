"""Grading: untrusted notebooks in, results, gradebook and feedback out.

notebook   reads a submission defensively and restores what a student may not change
standin    what `from autograder import check` is inside the sandbox: nothing of value
run        runs the cells in the sandbox and asks for values at the graded cells
clean      makes what a student put out, or wrote as text, safe to look at
grade      one submission from file to result and autograded notebook
book       the gradebook, through nbgrader's own interface, by one writer
batch      many submissions: workers, progress, resuming
cluster    the same workers on a Dask cluster
plug       the same inside `nbgrader autograde` and formgrader
cli        the commands `autograder grade` and `autograder doctor`
"""
