"""Tables of contents that are filled in while the site is built."""

import re
from pathlib import Path

_TOCTREE = re.compile(r'^```\{toctree\}.*?^```$', re.MULTILINE | re.DOTALL)
#: stands where pages are listed that are in no table of contents
FURTHER = '<!-- further pages -->'
_README = re.compile(r'/(\w+)/README\.md\)')
#: stands where the pages of a folder are listed: <!-- pages of methods -->
_FOLDER = re.compile(r'^<!-- pages of (\w+) -->$', re.MULTILINE)


def fill_in(text: str, source: Path) -> str:
    """Text of a page whose places for lists of pages are filled in.

    A page that is in no table of contents yet, because it is new, is listed under "More": the build does not break, and
    the page is found. Its author moves it to its place. Pages of a folder come in the order in which the page links to the
    READMEs that they are made from; those that it does not link to come last.
    """
    linked = {name: place for place, name in enumerate(reversed(_README.findall(text)))}

    def pages_of(match: re.Match[str]) -> str:
        pages = sorted(_pages(source / match[1], source))
        return _toctree(sorted(pages, key=lambda page: -linked.get(Path(page).name, -1)), depth=1)

    text = _FOLDER.sub(pages_of, text)
    if FURTHER in text:
        listed = {entry for file in source.rglob('*.md') for entry in _entries(file, source)}
        further = sorted(set(_pages(source, source)) - listed - {'index'})
        text = text.replace(FURTHER, _toctree(further, 'More') if further else '')
    return text


def without_colours(text: str) -> str:
    """Text of a page whose blocks that name no language are plain text; Sphinx would take them for Python."""
    fence, lines = '', []
    for line in text.splitlines(keepends=True):
        mark = re.match(r' *(`{3,})(.*)', line)
        if mark and not fence:
            fence = mark[1]
            line = line if mark[2] else line.replace(fence, f'{fence}text', 1)
        elif mark and mark[1] == fence and not mark[2]:
            fence = ''
        lines.append(line)
    return ''.join(lines)


def _pages(folder: Path, source: Path) -> list[str]:
    files = (*folder.glob('*.md'), *folder.glob('*.rst'))
    return [file.relative_to(source).with_suffix('').as_posix() for file in files if file.stem != 'index']


def _entries(file: Path, source: Path) -> list[str]:
    folder = file.parent.relative_to(source)
    return [
        (folder / re.sub(r'^.*<(.*)>$', r'\1', line)).as_posix()
        for block in _TOCTREE.findall(file.read_text(encoding='utf-8'))
        for line in block.splitlines()[1:-1]
        if line and not line.startswith(':')
    ]


def _toctree(entries: list[str], caption: str = '', depth: int = 2) -> str:
    options = [f':maxdepth: {depth}', ':hidden:', *([f':caption: {caption}'] if caption else [])]
    return '\n'.join(['```{toctree}', *options, '', *(f'/{entry}' for entry in entries), '```'])
