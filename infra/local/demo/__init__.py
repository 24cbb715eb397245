"""The demo: the main job in six scenes on the laptop twin, each asserted against the registries themselves."""
