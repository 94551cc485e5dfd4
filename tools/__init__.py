"""Programs for whoever works on the code: `make map, quick, doctor, mutants`. The product
never imports them."""
