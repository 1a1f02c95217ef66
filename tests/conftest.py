"""pytest's own plugin for tests of plugins, which a conftest further down could not load."""

pytest_plugins = ["pytester"]
