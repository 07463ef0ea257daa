"""Links of the repository's Markdown, rewritten for the site."""

import html
import os
import re
import shutil
from pathlib import Path, PurePosixPath

#: code in fences and between backticks, where nothing is a link
_CODE = re.compile(r'(^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)\s*?$|`[^`\n]+`)', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(?P<picture>!?)\[(?P<label>(?:[^\[\]]|\0)*)\]\((?P<target>[^()\s]+)\)')
#: where copies of files lie in the built site
COPIES = '_repository'


class Repository:
    """The files of the repository and the pages that show them.

    Args:
        root (Path): the checkout.
        url (str): address of the repository on its host; empty: linked files are copied into the site.
    """

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url.rstrip('/')
        self.pages = pages_of_files(root)
        self.files = {page: file for file, page in self.pages.items()}
        self.linked: set[str] = set()

    def file_of(self, docname: str) -> str:
        """The file that a page is made of."""
        return self.files.get(docname, f'docs/en/{docname}.md')

    def rewrite(self, text: str, docname: str) -> tuple[str, list[str]]:
        """Text whose links to files lead to pages of the site, and what is wrong with links.

        Args:
            text (str): Markdown with links relative to its own file in the repository.
            docname (str): the page that it becomes.
        """
        problems: list[str] = []
        # code is taken out, so that a label may hold some and nothing in it is taken for a link
        code: list[str] = []

        def take_out(match: re.Match) -> str:
            code.append(match[0])
            return f'\0{len(code) - 1}\0'

        def change(match: re.Match) -> str:
            target, _, anchor = match['target'].partition('#')
            if not target or re.match(r'[a-z]+:|/', target):
                return match[0]
            path = os.path.normpath(PurePosixPath(self.file_of(docname)).parent / target)
            if path not in self.pages and not (self.root / path).exists():
                problems.append(f'{self.file_of(docname)}: the link {match["target"]!r} leads to no file or page')
                return match[0]
            return self._link(match['picture'], match['label'], path, f'#{anchor}' if anchor else '', docname)

        text = _LINK.sub(change, _CODE.sub(take_out, text))
        return re.sub(r'\0(\d+)\0', lambda match: code[int(match[1])], text), problems

    def _link(self, picture: str, label: str, path: str, anchor: str, docname: str) -> str:
        if picture:
            return f'![{label}]({relative(path, docname)})'
        if path in self.pages:
            return f'[{label}](/{self.pages[path]}.md{anchor})'
        if self.url:
            kind = 'tree' if (self.root / path).is_dir() else 'blob'
            return f'[{label}]({self.url}/{kind}/main/{path}{anchor})'
        if (self.root / path).is_dir():
            return label
        self.linked.add(path)
        up = '../' * docname.count('/')
        return f'<a class="reference external" href="{html.escape(f"{up}{COPIES}/{path}.txt")}">{label}</a>'

    def copy_linked(self, folder: Path) -> None:
        """Put copies of the linked files into the built site ``folder``."""
        for path in sorted(self.linked):
            target = folder / COPIES / f'{path}.txt'
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / path, target)


def relative(path: str, docname: str) -> str:
    """Path of a picture from the folder of a page."""
    return os.path.relpath(path, PurePosixPath('docs/en') / PurePosixPath(docname).parent)


def pages_of_files(root: Path) -> dict[str, str]:
    """Page of each file of the repository that has one: {path of the file: name of the page}."""
    pages = {f'docs/en/{file.name}': file.stem for file in (root / 'docs/en').glob('*.md')}
    pages |= {
        f'docs/en/notebooks/{file.name}': f'notebooks/{file.stem}' for file in (root / 'docs/en/notebooks').glob('*.ipynb')
    }
    pages |= {
        f'configs/{file.parent.name}/README.md': f'methods/{file.parent.name}' for file in root.glob('configs/*/README.md')
    }
    pages |= {
        f'projects/{file.parent.name}/README.md': f'methods/{file.parent.name}' for file in root.glob('projects/*/README.md')
    }
    pages['configs/README.md'] = 'project/configs'
    pages['docs/en/methods/index.md'] = 'methods/index'
    for name in ('CONTRIBUTING', 'CHANGELOG', 'SECURITY', 'CODE_OF_CONDUCT'):
        pages[f'{name}.md'] = f'project/{name.lower()}'
    pages['README.md'] = 'index'
    return pages
