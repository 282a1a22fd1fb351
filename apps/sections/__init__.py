"""Parts of pages: what a page shows of one thing, and the data behind it."""
