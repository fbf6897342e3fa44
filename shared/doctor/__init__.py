"""The doctor: looks whether everything stands as it should, and says of what doesn't how to put it right.

Each check is a declaration: an id that names the healthy state, and a function that looks and finds. Looking writes and
makes nothing. What a check couldn't read is `unknown`, never `ok`.
"""
