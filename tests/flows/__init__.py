"""The six facts of a tip against the real stack: repeated, concurrent, and with every process killed after
every fact."""
