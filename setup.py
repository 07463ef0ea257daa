"""What ``pyproject.toml`` cannot say: configs, tools and demos travel in the wheel under ``mmvos/.mim``, where mim looks."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class BuildWithMim(build_py):
    """Copies what mim and users of the wheel look for beside the package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # the checkout is used as it is
            return
        target = Path(self.build_lib, 'mmvos', '.mim')
        shutil.rmtree(target, ignore_errors=True)
        for folder in ('configs', 'tools', 'demo'):
            shutil.copytree(HERE / folder, target / folder, ignore=shutil.ignore_patterns('__pycache__', '*.pyc', '*.mp4'))
        shutil.copy(HERE / 'model-index.yml', target)


setup(cmdclass={'build_py': BuildWithMim})
