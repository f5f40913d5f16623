"""A person's own projects, and the fits on their way to one."""
