"""The doctor: checks whether an installation works, and says of each thing that doesn't how to put it right.

The checks change nothing. What one couldn't read is `unknown`, never `ok`.
"""
