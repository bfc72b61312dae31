"""Reports 报表: daily 日报, monthly 月报 and special 专报, as page, Excel, PDF and CSV.

`specs` says what is asked for, `pages` what a report holds, `build` makes one from facts piece by piece; all
of these are pure. `archive` keeps those that were made and never changes them, `schedule` makes the regular
ones, `excel`, `pdf` and `csvfile` write files, `room` does the work in a process of its own.
"""
