"""What readers think of the help site and what they look for in vain: counts, of nobody."""
