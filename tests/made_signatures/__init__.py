"""A small signer of our own: every form that the product judges, with authorities, logs and clocks in memory."""
