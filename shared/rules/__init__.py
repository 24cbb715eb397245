"""What several flows keep alike, between the ports they ask and the pure domain."""
