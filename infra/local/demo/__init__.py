"""The demo: the main job in scenes on the laptop twin, each asserted against the registries themselves."""
