"""The documentation: `make docs` writes it to build/docs."""

project = "carrychain"
author = "the carrychain authors"
copyright = author

extensions = ["myst_nb"]
html_theme = "furo"
html_title = "carrychain"
exclude_patterns = ["figures"]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
