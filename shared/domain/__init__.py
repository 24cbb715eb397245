"""What Tidegate knows without asking anybody: pure, by subject. References are what every subject speaks of."""
