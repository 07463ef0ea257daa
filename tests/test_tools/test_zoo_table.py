"""The page of models is what its tool writes from weights.json and the metafiles."""

import importlib.util
from pathlib import Path

from mmvos.weights import shipped_weights


def test_the_page_of_models_is_up_to_date():
    path = Path(__file__).parents[2] / 'tools' / 'misc' / 'zoo_table.py'
    spec = importlib.util.spec_from_file_location('zoo_table', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = tool.PAGE.read_text(encoding='utf-8')
    assert text == tool.page(), 'run python tools/misc/zoo_table.py'
    assert tool.README.read_text(encoding='utf-8') == tool.readme(), 'run python tools/misc/zoo_table.py'
    for weights in shipped_weights().values():
        rows = [line for line in text.splitlines() if line.startswith(f'| {weights.name} |')]
        assert len(rows) == 1 + len(weights.data), 'figures, and a licence for each source'
