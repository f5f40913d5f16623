"""What the pages share; none of it is a page."""
