"""Which files and records hold pages, and the rarer ways in which archives are packed and written."""
