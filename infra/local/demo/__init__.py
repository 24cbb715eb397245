"""The demo: the main job in eight scenes on the laptop twin, each asserted against the registries themselves."""
