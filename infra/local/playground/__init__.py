"""What `make up` leaves to play with: images upstream, a watch list with its gate, and an application with its task."""
