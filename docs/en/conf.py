"""Settings of Sphinx for the site. `make docs` builds it; `docs/mmvos_site` makes the pages that are not written by hand."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'docs')]
os.environ.setdefault('OMP_NUM_THREADS', '1')

from mmvos.version import __version__  # noqa: E402  (after the path)

project = 'MMVOS'
author = 'MMVOS contributors'
copyright = author
version = release = __version__
language = 'en'

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx_copybutton',
    'mmvos_site',
]
exclude_patterns = ['_build']
show_warning_types = True

myst_enable_extensions = ['dollarmath', 'deflist', 'colon_fence']
myst_heading_anchors = 4
html_math_renderer = 'mathml'

autosummary_generate = False
autodoc_member_order = 'bysource'
autodoc_typehints_format = 'short'
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
# the types of our docstrings are words, too
suppress_warnings = ['ref.python']
python_maximum_signature_line_length = 100
copybutton_exclude = '.linenos, .gp, .go'

pygments_dark_style = 'monokai'
html_theme = 'furo'
html_title = 'MMVOS'
html_static_path = ['_static']
html_css_files = ['site.css']
html_theme_options = dict(
    light_css_variables={'color-brand-primary': '#0b6b63', 'color-brand-content': '#0b6b63'},
    dark_css_variables={'color-brand-primary': '#5fd3c6', 'color-brand-content': '#5fd3c6'},
)
html_copy_source = False
html_show_sphinx = False

#: where files of the repository that are no page of the site are linked to; without it the site holds copies of them
repository_url = os.environ.get('MMVOS_REPOSITORY_URL', '')
