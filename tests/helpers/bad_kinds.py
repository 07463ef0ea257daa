"""What may lie in the place of a good file, by kind of file."""

import io
import json
import os
from pathlib import Path

import numpy as np
import torch
from bad_files import encoded, huge_png, make_zip, set_flag

SHAPE = (24, 32)


def saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


class Runs:
    """A pickle that runs code where it is read."""

    def __reduce__(self):
        return os.system, ('touch /tmp/mmvos_pickle_has_run',)


# What may lie in the place of a good file: name -> (makes it, words beside the file's name)


def put(data):
    return lambda path: path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder(path):
    path.unlink()
    path.mkdir()


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def link_in_a_circle(path):
    path.unlink()
    path.symlink_to(path)


ANY = {'missing': Path.unlink, 'empty': put(b''), 'folder': folder, 'pipe': fifo, 'circle': link_in_a_circle}
IMAGE = {
    **ANY,
    'text': put(b'no image'),
    'cut': cut,
    'huge': put(huge_png()),
    'header only': put(b'\x89PNG\r\n\x1a\n'),
    'svg': put(b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
}
MASK = {
    **IMAGE,
    'rgb': put(encoded(np.zeros((*SHAPE, 3), np.uint8) + np.arange(3, dtype=np.uint8))),
    '16 bit': put(encoded(np.full(SHAPE, 300, np.uint16))),
    'other size': put(encoded(np.ones((25, 32), np.uint8))),
    'float': put(encoded(np.full(SHAPE, 0.5, np.float32), 'TIFF')),
}
JSON = {
    **ANY,
    'text': put(b'nothing'),
    'cut': cut,
    'a number': put(b'7'),
    'null': put(b'null'),
    'list of numbers': put(b'[1, 2]'),
    'NaN': put(b'{"videos": NaN}'),
    'deep': put(b'[' * 100_000),
    'UTF-16': put('{"a": 1}'.encode('utf-16')),
    'not UTF-8': put(b'{"a": "\xff\xfe\xfa"}'),
    'strings': put(b'{"videos": "x", "shapes": "x"}'),
    'wrong entries': put(b'{"videos": {"a": 3}, "shapes": [3]}'),
}
LIST = {
    **ANY,
    'not UTF-8': put(b'\xff\xfa\n'),
    'unknown': put(b'zebra\n'),
    'way out': put(b'../../a\n'),
    'UTF-16': put('a'.encode('utf-16')),
}
ARCHIVE = {
    **ANY,
    'text': put(b'no archive'),
    'cut': cut,
    'encrypted': lambda path: set_flag(path, flag=1),
    'method': lambda path: set_flag(path, method=99),
    'no entry': lambda path: make_zip(path, {}),
}
CHECKPOINT = {
    **ANY,
    'text': put(b'nothing'),
    'cut': cut,
    'pickle 2': put(saved(dict(state_dict=dict(a=Runs())), pickle_protocol=2)),
    'pickle 4': put(saved(dict(state_dict=dict(a=Runs())), pickle_protocol=4)),
    'legacy': put(saved(dict(state_dict=dict(a=Runs())), _use_new_zipfile_serialization=False)),
}
OWN_CHECKPOINT = {
    **CHECKPOINT,
    'a number': put(saved(3)),
    'a list': put(saved([torch.ones(2)])),
    'NaN': put(saved(dict(state_dict=dict(a=torch.tensor([1.0, float('nan')]))))),
}


def edit(name, change):
    """Changes a JSON file: its content is changed in place, or becomes what ``change`` returns."""

    def make(root):
        path = root / name
        content = json.loads(path.read_text())
        changed = change(content)
        path.write_text(json.dumps(content if changed is None else changed))

    return make


def set_in(*keys, value):
    """Sets a value in nested lists and dicts."""

    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


def without(*keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change
