import json

import pytest

from mmvos.structures import InputError
from tools.analysis_tools.interactive_rounds import Results, parse_args, table


def results(folder, *options):
    return Results.read(parse_args(['frames', 'annotations', '--out', str(folder), *options]))


def test_sequences_that_are_done_are_kept_for_the_next_call(tmp_path):
    first = results(tmp_path / 'rounds', '--sequences', 'dog')
    assert first.sequences == set()
    first.add([dict(sequence='dog', round=0, J=0.5, F=0.7), dict(sequence='dog', round=1, J=0.8, F=0.8)])
    again = results(tmp_path / 'rounds', '--sequences', 'dog', 'goat', '--device', 'cpu')
    assert again.sequences == {'dog'}
    again.add([dict(sequence='goat', round=0, J=0.9, F=0.9), dict(sequence='goat', round=1, J=1.0, F=1.0)])
    assert len(json.loads((tmp_path / 'rounds' / 'rounds.json').read_text())['rows']) == 4
    assert table(again.rows).splitlines()[-1] == '| mean | 0.750 | 0.900 |'


def test_other_settings_are_not_mixed(tmp_path):
    results(tmp_path).add([dict(sequence='dog', round=0, J=0.5, F=0.7)])
    with pytest.raises(InputError, match='name another --out'):
        results(tmp_path, '--clicks', '10')
