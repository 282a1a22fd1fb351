"""What the pages that look inside share: Attention, What if, Your target, and parts of Learn."""
