"""Workflows of the host and Docker files name what there is. Running them needs a host; this needs none."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TARGETS = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize('path', sorted((ROOT / '.github' / 'workflows').glob('*.yml')), ids=lambda path: path.name)
def test_commands_of_workflows_are_there(path):
    jobs = yaml.safe_load(path.read_text())['jobs']
    commands = [step['run'] for job in jobs.values() for step in job['steps'] if 'run' in step]
    assert commands
    for command in commands:
        assert subprocess.run(['bash', '-n'], input=command, text=True).returncode == 0
        for target in re.findall(r'\bmake ([\w-]+)', command):
            assert target in TARGETS, command
        for script in re.findall(r'(?<![\w/])(?:\.ci|tools|docker)/[\w./-]+', command):
            assert (ROOT / script).exists(), command


@pytest.mark.parametrize('path', sorted((ROOT / 'docker').iterdir()), ids=lambda path: path.name)
def test_commands_of_docker_files_are_there(path):
    lines = re.sub(r'^#.*\n', '', path.read_text(), flags=re.MULTILINE)
    commands = re.findall(r'^RUN ((?:.*\\\n)*.*)', lines, flags=re.MULTILINE)
    assert commands
    for command in commands:
        command = re.sub(r'^\s*#.*\n', '', command, flags=re.MULTILINE)
        assert subprocess.run(['bash', '-n'], input=command, text=True).returncode == 0, command
        for copied in re.findall(r'/tmp/mmvos/([\w./-]+)', command):
            assert (ROOT / copied).exists(), command
        for extra in re.findall(r'/tmp/mmvos\[([\w,]+)\]', command):
            assert all(
                re.search(rf'^{name} = \[', (ROOT / 'pyproject.toml').read_text(), re.MULTILINE) for name in extra.split(',')
            )
