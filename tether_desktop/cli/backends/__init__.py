"""What commands work on: the parts in this process, or a Tether that runs, through its port."""
