"""What training minimises: one objective a kind."""
