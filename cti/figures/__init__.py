"""Figures: one definition for the wall, the desk and the reports.

`facts` says what is known of a call and of an agent's time, `definitions` names and explains every figure,
`engine` computes them, `causes` says why a call was not connected as the rule asks. All of these are pure;
`load` reads facts from the tables, `replay` makes the very same facts again from the journal.
"""
