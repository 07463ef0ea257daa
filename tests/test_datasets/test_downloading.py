"""Downloads against a server of this machine that breaks connections, changes files and lies."""

import errno
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mmvos.cli.main import main
from mmvos.datasets import downloading, downloads
from mmvos.datasets.downloading import download, read_record, unpack
from mmvos.datasets.downloads import SOURCES, RemoteArchive, Source
from mmvos.structures import InputError
from mmvos.utils import fetching
from mmvos.utils.fetching import fetch

DATA = np.random.default_rng(0).bytes(300_000)


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``breaks`` are the bytes after which connections end, one after another; ``codes`` come first."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.breaks, self.codes, self.requests = {'/a.zip': DATA}, [], [], []
        self.ranges, self.tag = True, '"1"'

    def url(self, name='a.zip'):
        return f'http://127.0.0.1:{self.server_port}/{name}'


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server, data = self.server, self.server.files.get(self.path)
        wanted = self.headers.get('Range')
        server.requests.append(wanted)
        if server.codes or data is None:
            self.send_error(server.codes.pop(0) if server.codes else 404)
            return
        first = 0
        if wanted and server.ranges and self.headers.get('If-Range') == server.tag:
            first = int(wanted[len('bytes=') : -1])
            if first >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header('Content-Range', f'bytes {first}-{len(data) - 1}/{len(data)}')
        else:
            self.send_response(200)
        self.send_header('Content-Length', str(len(data) - first))
        self.send_header('ETag', server.tag)
        self.end_headers()
        self.wfile.write(data[first:][: server.breaks.pop(0) if server.breaks else None])


@pytest.fixture
def server():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_a_broken_connection_goes_on_where_it_ended(server, tmp_path):
    server.breaks = [100_000, 50_000, 0]
    seen = []
    assert fetch(server.url(), tmp_path / 'a.zip', f'sha256:{sha(DATA)}', lambda *now: seen.append(now), wait=0) == sha(DATA)
    assert (tmp_path / 'a.zip').read_bytes() == DATA
    assert server.requests == [None, 'bytes=100000-', 'bytes=150000-', 'bytes=150000-']
    assert seen[-1] == (len(DATA), len(DATA)) and seen == sorted(seen)
    assert [path.name for path in tmp_path.iterdir()] == ['a.zip']
    fetch(server.url(), tmp_path / 'a.zip')
    assert len(server.requests) == 4  # it is there


def test_another_call_goes_on_and_a_changed_file_begins_again(server, tmp_path):
    server.breaks = [120_000] + [0] * 3
    with pytest.raises(InputError, match=r'a\.zip: the connection failed 2 times in a row \(it ended after 120000 of 300000'):
        fetch(server.url(), tmp_path / 'a.zip', retries=1, wait=0)
    assert (tmp_path / 'a.zip.part').stat().st_size == 120_000
    server.breaks = []
    server.files['/a.zip'], server.tag = DATA[::-1], '"2"'
    assert fetch(server.url(), tmp_path / 'a.zip') == sha(DATA[::-1])
    assert server.requests[-1] == 'bytes=120000-'


def test_a_part_that_is_whole_and_one_of_another_address(server, tmp_path):
    part = tmp_path / 'a.zip.part'
    part.write_bytes(DATA)
    (tmp_path / 'a.zip.part.json').write_text(json.dumps(dict(url=server.url(), tag='"1"', total=len(DATA))))
    assert fetch(server.url(), tmp_path / 'a.zip') == sha(DATA)
    part.write_bytes(b'of another address')
    (tmp_path / 'b.zip.part.json').write_text(json.dumps(dict(url='http://elsewhere/', tag='"1"', total=3)))
    server.files['/b.zip'] = DATA[:1000]
    assert fetch(server.url('b.zip'), tmp_path / 'b.zip') == sha(DATA[:1000])


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges, server.breaks = False, [100_000]
    assert fetch(server.url(), tmp_path / 'a.zip', wait=0) == sha(DATA)
    assert server.requests == [None, 'bytes=100000-']


def test_a_busy_server_is_asked_again_and_one_that_refuses_is_not(server, tmp_path):
    server.codes = [503, 429]
    assert fetch(server.url(), tmp_path / 'a.zip', wait=0) == sha(DATA)
    with pytest.raises(InputError, match=r'none\.zip: the server answers 404'):
        fetch(server.url('none.zip'), tmp_path / 'none.zip', wait=0)
    with pytest.raises(InputError, match='the connection failed 1 times'):
        fetch('http://127.0.0.1:1/a.zip', tmp_path / 'b.zip', retries=0)


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError, match=rf'a\.zip: md5 {hashlib.md5(DATA).hexdigest()}; expected 00\. .*removed'):
        fetch(server.url(), tmp_path / 'a.zip', 'md5:00')
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.shutil, 'disk_usage', lambda path: type('Usage', (), dict(free=1000)))
    with pytest.raises(InputError, match=r'0\.0 GB are to come, but the disk has room for 0\.0 GB'):
        fetch(server.url(), tmp_path / 'a.zip')
    monkeypatch.undo()

    def full(handle):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(fetching.os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'):
        fetch(server.url(), tmp_path / 'a.zip')
    monkeypatch.undo()
    assert fetch(server.url(), tmp_path / 'a.zip') == sha(DATA)  # what was there is used
    assert server.requests[-1] == f'bytes={len(DATA)}-'


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w') as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(files, link=False):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w:gz') as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo('link')
            member.type, member.linkname = tarfile.SYMTYPE, '/etc/passwd'
            archive.addfile(member)
    return data.getvalue()


def test_a_data_set_is_downloaded_unpacked_and_remembered(server, tmp_path, capsys, monkeypatch):
    server.files = {
        '/one.zip': zipped({'DAVIS/JPEGImages/a/0.jpg': b'frame', '__MACOSX/x': b'', 'DAVIS/._x': b''}),
        '/two.tar.gz': tarred({'masks/a/0.png': b'mask'}, link=True),
    }
    one = RemoteArchive(server.url('one.zip'), 'DAVIS2016', 1, f'sha256:{sha(server.files["/one.zip"])}')
    monkeypatch.setitem(
        downloads.SOURCES, 'both', Source('Both', 'DAVIS2016', (one, RemoteArchive(server.url('two.tar.gz'), 'x')))
    )
    assert main(['download', 'both', '--root', str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert f'sha256 {one.checksum[7:]} (sha256 is right)' in printed and 'publish no checksum' in printed
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*') if path.is_file()}
    assert files == {'DAVIS2016/JPEGImages/a/0.jpg', 'x/masks/a/0.png', 'downloads.json'}
    assert {entry['into'] for entry in read_record(tmp_path).values()} == {'DAVIS2016', 'x'}
    asked = len(server.requests)
    assert main(['download', 'both', '--root', str(tmp_path)]) == 0
    assert len(server.requests) == asked and 'there already' in capsys.readouterr().out


@pytest.mark.parametrize(
    'data, says',
    [
        (zipped({'../../x': b''}), 'leads out of its folder'),
        (tarred({'/x': b''}), 'leads out of its folder'),
        (zipped({'a': b'x' * 9000})[:-40], 'damaged or no archive'),
        (tarred({'a': np.random.default_rng(0).bytes(9000)})[:-4000], 'damaged or no archive'),
        (b'<html>not found</html>', 'damaged or no archive'),
    ],
    ids=['zip beyond the folder', 'tar beyond the folder', 'cut zip', 'cut tar', 'a page'],  # a tar holds the time: no name
)
def test_an_archive_that_is_not_unpacked(tmp_path, data, says):
    (tmp_path / 'a.zip').write_bytes(data)
    with pytest.raises(InputError, match=rf'a\.zip: .*{says}'):
        unpack(tmp_path / 'a.zip', tmp_path / 'inside' / 'folder')
    assert not [path for path in tmp_path.rglob('*') if path.is_file() and path.name != 'a.zip']


def test_data_behind_a_login_is_explained(tmp_path, capsys):
    assert main(['download', 'ytvos2018', '--root', str(tmp_path)]) == 0
    assert '1. Register at https://youtube-vos.org' in capsys.readouterr().out
    assert main(['download', '--list']) == 0
    printed = capsys.readouterr().out
    assert all(f'{name} ' in printed for name in SOURCES)
    for source in SOURCES.values():
        assert bool(source.archives) != bool(source.steps)
        assert all(archive.url.startswith('http') and archive.name for archive in source.archives)
    assert downloading.RECORD not in [path.name for path in tmp_path.iterdir()]
    download(SOURCES['ytvos2018'], tmp_path)
