"""The documentation: `make docs` writes it to build/docs."""

import os
import re
from pathlib import Path

import matplotlib
from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "carrychain"
author = "the carrychain authors"
copyright = author

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["figures"]

html_theme = "furo"
html_title = "carrychain"
html_static_path = [
    "static",
    # matplotlib's: it can set formulas, for browsers on a system without a font that can
    str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSerif.ttf")),
]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
os.environ["OMP_NUM_THREADS"] = "1"  # what the pages compute is small, and is said of one thread
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
nb_output_stderr = "remove"
nb_render_markdown_format = "gfm"  # tables

smartquotes = False  # d' is a symbol
default_role = "code"  # docstrings are plain text with `names`
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_numpy_docstring = False


def setup(app: Sphinx) -> None:
    """Write formulas as MathML, which browsers draw themselves: no script, no network."""
    app.connect("autodoc-process-docstring", as_plain_text, priority=400)  # before napoleon
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))


def inline_math(translator: HTML5Translator, node: nodes.math) -> None:
    """Put a formula into the line."""
    translator.body.append(latex2mathml.tex2mathml(node.astext()))
    raise nodes.SkipNode


def block_math(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Put a formula on lines of its own."""
    formula = latex2mathml.tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="math">{formula}</div>')
    raise nodes.SkipNode


def as_plain_text(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let |x| and x * y in a docstring mean what they say, not markup; `names` stay names."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            pieces = re.split(r"(`[^`]*`)", line)
            pieces[::2] = [re.sub(r"[|*]", r"\\\g<0>", piece) for piece in pieces[::2]]
            lines[i] = "".join(pieces)
