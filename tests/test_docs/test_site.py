"""The extension of Sphinx that makes the site: links and tables of contents."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def repository():
    pytest.importorskip('sphinx', reason='the extra "docs" is not installed')
    sys.path.insert(0, str(ROOT / 'docs'))
    from mmvos_site.links import Repository

    yield Repository(ROOT, '')
    sys.path.remove(str(ROOT / 'docs'))


@pytest.mark.parametrize(
    'text, page, expected',
    [
        ('[a](../../docs/en/datasets.md#davis)', 'methods/agame', '[a](/datasets.md#davis)'),
        ('[a](../rsis/README.md)', 'methods/ris', '[a](/methods/rsis.md)'),
        ('[a](../../configs/agame/README.md)', 'datasets', '[a](/methods/agame.md)'),
        ('![a](../../docs/en/figures/cosnet_references.png)', 'methods/cosnet', '![a](../figures/cosnet_references.png)'),
        (
            '[`a`](tools/train.py)',
            'project/contributing',
            '<a class="reference external" href="../_repository/tools/train.py.txt">`a`</a>',
        ),
        ('[a](tools)', 'project/contributing', 'a'),
        ('[a](https://example.org/a.md) and [b](#c)', 'datasets', '[a](https://example.org/a.md) and [b](#c)'),
        ('`[a](nowhere.md)`\n```\n[a](nowhere.md)\n```\n', 'datasets', '`[a](nowhere.md)`\n```\n[a](nowhere.md)\n```\n'),
    ],
)
def test_a_link_to_a_file_becomes_one_to_its_page(repository, text, page, expected):
    assert repository.rewrite(text, page) == (expected, [])


def test_a_link_to_nothing_is_named_with_its_file(repository):
    assert repository.rewrite('[a](nowhere.md)', 'methods/agame')[1] == [
        "configs/agame/README.md: the link 'nowhere.md' leads to no file or page"
    ]


def test_linked_files_are_on_the_host_where_there_is_one(repository):
    hosted = type(repository)(ROOT, 'https://example.org/mmvos/')
    assert (
        hosted.rewrite('[a](tools/train.py)', 'project/contributing')[0]
        == '[a](https://example.org/mmvos/blob/main/tools/train.py)'
    )


def test_a_method_without_arguments_of_its_own_links_to_those_of_its_base(repository):
    from mmvos_site.overrides import Overrides

    from mmvos.models import segmentors

    listen = Overrides([segmentors])
    bare, described = ['The next frame.'], ['The next frame.', '', 'Args:', '    frame (Frame): the frame.']
    for lines in (bare, described):
        listen(None, 'method', '', segmentors.RGMP.step, None, lines)
    assert bare == ['The next frame.', '', 'Arguments: :meth:`.CausalVOSModel.step`.', '']
    assert len(described) == 4


def test_a_page_in_no_table_of_contents_is_listed_under_more(repository, tmp_path):
    from mmvos_site.contents import FURTHER, fill_in

    (tmp_path / 'index.md').write_text(f'```{{toctree}}\n:hidden:\n\nstart\nOther <named>\n```\n{FURTHER}')
    for name in ('start', 'named', 'new'):
        (tmp_path / f'{name}.md').write_text('# A')
    text = fill_in((tmp_path / 'index.md').read_text(), tmp_path)
    assert text.count('```{toctree}') == 2 and FURTHER not in text
    assert text.endswith(':hidden:\n:caption: More\n\n/new\n```')


def test_pages_of_a_folder_come_in_the_order_of_their_links(repository, tmp_path):
    from mmvos_site.contents import fill_in

    (tmp_path / 'methods').mkdir()
    for name in ('a', 'b', 'c', 'index'):
        (tmp_path / 'methods' / f'{name}.md').write_text('# A')
    text = fill_in('[C](../configs/c/README.md), [A](../configs/a/README.md)\n\n<!-- pages of methods -->', tmp_path)
    assert text.split('```{toctree}')[1].split()[-4:] == ['/methods/c', '/methods/a', '/methods/b', '```']


def test_a_block_without_a_language_is_plain_text(repository):
    from mmvos_site.contents import without_colours

    page = 'a\n```\nb/c.png   any\n```\n\n- d\n\n  ```\n  e\n  ```\n```python\nf\n```\n'
    assert without_colours(page) == page.replace('```\nb', '```text\nb').replace('```\n  e', '```text\n  e')


def messages_of_the_source() -> list[str]:
    """Texts that the source builds, '…' in the place of what is filled in."""

    def text(node: ast.AST) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        return ''.join(map(text, node.values)) if isinstance(node, ast.JoinedStr) else '…'

    trees = (ast.parse(file.read_text(encoding='utf-8')) for file in (ROOT / 'mmvos').rglob('*.py'))
    return [text(node) for tree in trees for node in ast.walk(tree) if isinstance(node, (ast.JoinedStr, ast.Constant))]


def test_each_message_under_troubleshooting_is_one_of_the_source():
    source = '\n'.join({' '.join(message.split()) for message in messages_of_the_source()})
    page = (ROOT / 'docs/en/troubleshooting.md').read_text(encoding='utf-8')
    headings = re.findall(r'^### `+ ?(.*?) ?`+$', page, re.MULTILINE)
    assert len(headings) > 30
    assert [heading for heading in headings if heading not in source] == []
