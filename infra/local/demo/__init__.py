"""The demo: the main job in five scenes on the laptop twin, each asserted against the registries themselves."""
