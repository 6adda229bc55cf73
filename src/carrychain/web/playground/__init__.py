"""The playground: a prompt, or two side by side, run on sums while the page watches."""
