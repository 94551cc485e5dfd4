"""The vendor simulator, as an integrator uses it: over real sockets."""
