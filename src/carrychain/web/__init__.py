"""The lab in the browser: pages, a guard before them, and a queue of work behind them."""
