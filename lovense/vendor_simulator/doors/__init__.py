"""What is answered at each of the simulator's ports: cloud, phone and control door."""
