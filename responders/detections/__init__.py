"""One module for each table of Microsoft's security operations guide, in the table's order."""
