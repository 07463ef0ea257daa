"""The doors for files: everything odd is one error that names it."""

import os

import pytest
from bad_files import pipe

from mmvos.structures import (
    InputError,
    MissingFileError,
    check_name,
    check_unique,
    decode_json,
    frame_order,
    placed,
    read_bytes,
    read_json,
    read_lines,
    read_text,
)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda p: p, 'not found. Expected a mask'),
        (lambda p: p.mkdir(), 'is a folder; expected a mask'),
        (pipe, 'is a pipe; expected a mask'),
        (lambda p: p.symlink_to('/dev/zero'), 'is a device; expected a mask'),
        (lambda p: p.symlink_to(p), 'cannot be read'),
        (lambda p: p.write_bytes(b'12345'), '5 bytes are more than a mask may have'),
    ],
    ids=['missing', 'folder', 'pipe', 'device', 'loop', 'large'],
)
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path, make, message):
    make(tmp_path / 'm')
    with pytest.raises(InputError, match=f'/m: .*{message}'):
        read_bytes(tmp_path / 'm', 'a mask', limit=4)


def test_a_link_to_a_file_is_followed(tmp_path):
    (tmp_path / 'a').write_bytes(b'x')
    (tmp_path / 'b').symlink_to('a')
    assert read_bytes(tmp_path / 'b') == b'x'


def test_names_that_are_not_utf8_are_read(tmp_path):
    path = os.fsencode(tmp_path) + b'/\xff\xfe.txt'
    with open(path, 'wb') as file:
        file.write(b'text')
    assert read_text(os.fsdecode(path)) == 'text'
    with pytest.raises(InputError, match='null byte'):
        read_bytes(f'{tmp_path}/a\0b')


def test_a_missing_file_is_found_by_both_names_of_its_error(tmp_path):
    for kind in (FileNotFoundError, InputError, ValueError):
        with pytest.raises(kind, match='none: not found'):
            read_bytes(tmp_path / 'none')
    error = placed(MissingFileError('a: not found.'), 'video v')
    assert isinstance(error, FileNotFoundError) and str(error) == 'video v: a: not found.'
    assert type(placed(InputError('x'), 'v')) is InputError


def test_a_byte_order_mark_is_skipped(tmp_path):
    (tmp_path / 'list.txt').write_bytes('\ufeffmy cat\n\n  dog  \n'.encode())
    (tmp_path / 'a.json').write_bytes('\ufeff{"a": 1}'.encode())
    assert read_lines(tmp_path / 'list.txt') == ['my cat', 'dog']
    assert read_json(tmp_path / 'a.json', 'x') == {'a': 1}


@pytest.mark.parametrize(
    'data, message',
    [
        ('{"标签": 1}'.encode('gbk'), 'byte 2 is not UTF-8. Expected a table in the encoding UTF-8'),
        ('{}'.encode('utf-16'), r'byte 0 is not UTF-8 \(it looks like UTF-16\)'),
        (b'', 'broken JSON'),
        (b'{"a": }', r'broken JSON \(Expecting value'),
        (b'{"a": NaN}', 'broken JSON .*NaN is not a number'),
        (b'[-Infinity]', 'broken JSON .*-Infinity is not a number'),
        (b'[' * 100_000, 'JSON nested too deeply'),
        (b'{"a":' * 100_000, 'JSON nested too deeply'),
        (b'[' + b'9' * 5000 + b']', 'broken JSON'),
        (b'{"a": 1, "a": 2}', "the key 'a' occurs twice"),
    ],
)
def test_json_that_is_none_is_named(data, message):
    with pytest.raises(InputError, match=f'^f.json: .*{message}'):
        decode_json(data, 'f.json', 'a table', unique_keys=True)


def test_an_empty_list_is_named(tmp_path):
    (tmp_path / 'l.txt').write_text(' \n\n')
    with pytest.raises(InputError, match='l.txt: the list is empty'):
        read_lines(tmp_path / 'l.txt')


@pytest.mark.parametrize('name', ['', '..', '../x', 'a/../../x', '/etc/passwd', 'a\0b', 3, None, '/', 'a/..'])
def test_names_that_lead_out_of_a_folder_are_refused(name):
    with pytest.raises(InputError, match='list.txt: the name of'):
        check_name(name, 'list.txt')


def test_ordinary_names_are_taken():
    assert [check_name(name, 'x') for name in ('my cat', 'a/b', 'x..y', '..a', 'ä')] == ['my cat', 'a/b', 'x..y', '..a', 'ä']
    check_unique(['a', 'b'], 'x')
    with pytest.raises(InputError, match="list.txt: the video 'a' occurs twice"):
        check_unique(['a', 'b', 'a'], 'list.txt')


def test_frames_are_ordered_by_the_value_of_numbers_0_to_9_alone():
    names = ['10', '9', '1', '01', 'b2', 'b10', 'a', 'a-1', '²', '١', '9' * 5000, '1' + '0' * 5000, '']
    ordered = sorted(names, key=frame_order)
    assert ordered[:5] == ['', '01', '1', '9', '10']
    assert ordered[5:7] == ['9' * 5000, '1' + '0' * 5000]  # no limit on their length
    assert ordered[7:] == ['a', 'a-1', 'b2', 'b10', '²', '١']  # other digits are text
