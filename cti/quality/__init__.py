"""质检: talks picked by chance and by rule, scored on a sheet, appealed against; reviewers calibrated."""
