"""The parts of Azure, Docker Hub and MCR that have no local counterpart, served in front of real registries."""
