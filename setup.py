"""Installation of MMVOS. Configs, tools and demos travel in the wheel under ``mmvos/.mim``, where mim looks for them."""

import os
import os.path as osp
import shutil

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = osp.dirname(osp.abspath(__file__))


def read(*parts: str) -> str:
    with open(osp.join(HERE, *parts), encoding='utf-8') as file:
        return file.read()


def requirements(name: str) -> list:
    lines = (line.split('#')[0].strip() for line in read('requirements', f'{name}.txt').splitlines())
    return [line for line in lines if line]


class BuildWithMim(build_py):
    """Copies what mim and users of the wheel look for beside the package."""

    def run(self) -> None:
        super().run()
        target = osp.join(self.build_lib, 'mmvos', '.mim')
        shutil.rmtree(target, ignore_errors=True)
        for folder in ('configs', 'tools', 'demo'):
            shutil.copytree(
                osp.join(HERE, folder), osp.join(target, folder), ignore=shutil.ignore_patterns('__pycache__', '*.pyc', '*.mp4')
            )
        shutil.copy(osp.join(HERE, 'model-index.yml'), target)


version: dict = {}
exec(read('mmvos', 'version.py'), version)
os.chdir(HERE)

setup(
    name='mmvos',
    version=version['__version__'],
    description='Toolbox for video object segmentation and video instance segmentation',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='computer vision, video object segmentation, video instance segmentation',
    packages=find_packages(include=['mmvos', 'mmvos.*']),
    include_package_data=True,
    python_requires='>=3.10',
    install_requires=requirements('runtime'),
    extras_require={
        'all': requirements('runtime') + requirements('optional'),
        'mim': requirements('mminstall'),
        'optional': requirements('optional'),
        'tests': requirements('tests'),
    },
    cmdclass={'build_py': BuildWithMim},
    classifiers=[
        'Development Status :: 4 - Beta',
        'License :: OSI Approved :: Apache Software License',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    zip_safe=False,
)
