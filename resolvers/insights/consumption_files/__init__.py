"""Files of consumption: what they can mean, which reading the evidence supports, and what is in doubt.

`tables` reads a file as text, `columns` finds what its columns hold, `shapes` makes rows of one reading each
of every layout, `moments` and `numbers` read texts, and `energy` turns values into energy of intervals.
`inference` collects the questions of `evidence`, and `decisions` takes a reading or asks. They import polars:
load them in a thread or a job.
"""
