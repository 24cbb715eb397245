"""Every function of the app, indexed and invoked by Microsoft's own worker library: what Azure will accept."""
