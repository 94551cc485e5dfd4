"""The roof: settings, routes, processes. It imports everyone and is imported by no one."""
