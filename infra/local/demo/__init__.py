"""The demo: the main job in seven scenes on the laptop twin, each asserted against the registries themselves."""
