"""Small HTML and JavaScript components; text arrives as data, never as HTML."""
