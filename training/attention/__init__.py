"""How attention is scored: against gold alignments, and by its behaviour."""
