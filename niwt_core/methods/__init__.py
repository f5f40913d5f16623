"""The methods that people would use instead of NIWT, and fair contests with them."""
