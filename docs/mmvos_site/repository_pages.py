"""Pages made from Markdown and notebooks elsewhere in the repository."""

import json
from pathlib import Path

from .links import Repository


def pages(root: Path, repository: Repository) -> dict[str, str]:
    """Texts of the pages, with links as in their own files: {path under docs/en: text}."""
    texts = {}
    for path, page in repository.pages.items():
        if path.endswith('.ipynb'):
            texts[f'{page}.md'] = notebook((root / path).read_text(encoding='utf-8'), path)
        elif not path.startswith('docs/en/') and page != 'index':
            texts[f'{page}.md'] = (root / path).read_text(encoding='utf-8')
    return texts


def notebook(text: str, path: str) -> str:
    """A notebook as Markdown."""
    parts = []
    for cell in json.loads(text)['cells']:
        source = ''.join(cell['source'])
        parts.append(source if cell['cell_type'] == 'markdown' else f'```python\n{source}\n```')
    # after the title
    title, _, rest = parts[0].partition('\n')
    name = Path(path).name
    note = f':::{{note}}\nThis page is the notebook `{path}`: `jupyter lab {path}` runs it.\n:::'
    assert title.startswith('# '), f'{name} begins with no title'
    return '\n\n'.join([title, note, rest.strip(), *parts[1:], ''])
