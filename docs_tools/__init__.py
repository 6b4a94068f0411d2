"""What builds, checks and illustrates the help site; the portal never imports it."""
