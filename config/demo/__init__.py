"""The demonstration: the whole system, a virtual device, and a small show of signed webhooks whose
every verdict is known before.

`system` starts the stack, `show` is the script, `facts` reads what became of each tip, `table`
shows it, `runner` plays."""
