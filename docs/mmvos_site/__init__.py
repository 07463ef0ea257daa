"""Extension of Sphinx that makes the site from the repository.

Pages that are not written by hand are made before each build: one for each method from its README, one for each public
package of `mmvos` from its `__all__`, the commands from their parsers, the notebooks from their cells. Links to files of
the repository, which work on a host of code as they are, become links to pages of the site.
"""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from . import api_pages, command_pages, contents, mathml, repository_pages
from .links import Repository
from .overrides import Overrides

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]


def setup(app: Sphinx) -> dict:
    app.add_config_value('repository_url', '', 'html')
    app.add_html_math_renderer('mathml', (mathml.visit_inline, None), (mathml.visit_block, None))
    app.connect('builder-inited', make_pages)
    app.connect('source-read', read_page)
    app.connect('autodoc-process-docstring', Overrides(), priority=400)
    app.connect('html-page-context', add_script)
    app.connect('build-finished', copy_files)
    return {'parallel_read_safe': False}


def make_pages(app: Sphinx) -> None:
    """The pages that are made; those whose text is as before stay untouched, so that Sphinx does not read them again."""
    app.repository = repository = Repository(ROOT, app.config.repository_url)
    pages = {**repository_pages.pages(ROOT, repository), **api_pages.pages(), **command_pages.pages()}
    source = Path(app.srcdir)
    for folder in ('api', 'methods', 'notebooks', 'project'):
        for file in (*(source / folder).glob('*.md'), *(source / folder).glob('*.rst')):
            if file.stem != 'index' and file.relative_to(source).as_posix() not in pages:
                file.unlink()
    for name, text in pages.items():
        file = source / name
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text(encoding='utf-8') != text:
            file.write_text(text, encoding='utf-8')


def read_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """The text of a page as Sphinx parses it."""
    if Path(app.env.doc2path(docname)).suffix == '.md':
        text = contents.without_colours(contents.fill_in(source[0], Path(app.srcdir)))
        source[0], problems = app.repository.rewrite(text, docname)
        for problem in problems:
            logger.warning(problem, location=docname, type='mmvos', subtype='link')


def add_script(app: Sphinx, pagename: str, *_: object) -> None:
    """Tables of these pages are sorted by a click on a heading."""
    if pagename in ('model_zoo', 'speed'):
        app.add_js_file('sort_tables.js')


def copy_files(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == 'html':
        app.repository.copy_linked(Path(app.outdir))
