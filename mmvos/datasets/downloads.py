"""Where data sets come from: addresses that stay, and steps for those behind a login."""

from dataclasses import dataclass

_DAVIS = 'https://data.vision.ee.ethz.ch/csergi/share/davis'
_SALIENCY = 'http://saliencydetection.net'
_ECSSD = 'https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/data/ECSSD'
_COCO = 'http://images.cocodataset.org'


@dataclass(frozen=True)
class RemoteArchive:
    """A zip or tar file that holds a part of a data set.

    Attributes:
        url (str): its address.
        into (str): folder below the root of all data that it is unpacked into.
        strip (int): how many leading folders of its names are dropped.
        checksum (str): ``'md5:...'`` or ``'sha256:...'`` as its authors or a widely used library publish it; empty: unknown.
    """

    url: str
    into: str = ''
    strip: int = 0
    checksum: str = ''

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.url.rsplit('/', 1)[-1]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Attributes:
        title (str): its name.
        folder (str): its folder below the root of all data.
        archives (tuple[RemoteArchive, ...]): what is downloaded; empty where that needs a login.
        steps (tuple[str, ...]): what a person has to do.
    """

    title: str
    folder: str
    archives: tuple[RemoteArchive, ...] = ()
    steps: tuple[str, ...] = ()


def _youtube_vos(year: int, page: str) -> Source:
    return Source(
        f'YouTube-VOS {year}',
        f'YouTubeVOS{year}',
        steps=(
            f'Register at {page} and accept the terms; it leads to train.zip, valid.zip, test.zip (and *_all_frames.zip).',
            f'Unpack each into its folder: data/YouTubeVOS{year}/train/JPEGImages, .../train/Annotations, .../train/meta.json.',
        ),
    )


def _youtube_vis(year: int) -> Source:
    return Source(
        f'YouTube-VIS {year}',
        f'youtube_vis_{year}',
        steps=(
            f'Register at https://youtube-vos.org/dataset/vis/ and download the archives of {year}.',
            f'Put frames in data/youtube_vis_{year}/{{train,valid,test}}/JPEGImages, instances.json as '
            f'data/youtube_vis_{year}/{{train,valid,test}}.json.',
        ),
    )


SOURCES = {
    'davis2016': Source(
        'DAVIS 2016',
        'DAVIS2016',
        (RemoteArchive('https://graphics.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip', 'DAVIS2016', 1),),
    ),
    'davis2017': Source('DAVIS 2017, train and val', 'DAVIS', (RemoteArchive(f'{_DAVIS}/DAVIS-2017-trainval-480p.zip'),)),
    'davis2017-test-dev': Source('DAVIS 2017, test-dev', 'DAVIS', (RemoteArchive(f'{_DAVIS}/DAVIS-2017-test-dev-480p.zip'),)),
    'davis2017-unsup': Source(
        'DAVIS 2017, unsupervised', 'DAVIS', (RemoteArchive(f'{_DAVIS}/DAVIS-2017-Unsupervised-trainval-480p.zip'),)
    ),
    'segtrack': Source(
        'SegTrack v2', 'SegTrackv2', (RemoteArchive('https://web.engr.oregonstate.edu/~lif/SegTrack2/SegTrackv2.zip'),)
    ),
    'fbms': Source(
        'FBMS-59',
        'FBMS',
        tuple(
            RemoteArchive(f'https://lmb.informatik.uni-freiburg.de/resources/datasets/fbms/FBMS_{part}.zip', 'FBMS')
            for part in ('Trainingset', 'Testset')
        ),
    ),
    'msra10k': Source('MSRA10K', 'MSRA10K', (RemoteArchive('http://mftp.mmcheng.net/Data/MSRA10K_Imgs_GT.zip', 'MSRA10K'),)),
    'duts': Source('DUTS, training', 'DUTS', (RemoteArchive(f'{_SALIENCY}/duts/download/DUTS-TR.zip', 'DUTS'),)),
    'dut-omron': Source(
        'DUT-OMRON',
        'DUT-OMRON',
        tuple(
            RemoteArchive(f'{_SALIENCY}/dut-omron/download/{name}', 'DUT-OMRON')
            for name in ('DUT-OMRON-image.zip', 'DUT-OMRON-gt-pixelwise.zip.zip')
        ),
    ),
    'ecssd': Source(
        'ECSSD', 'ECSSD', tuple(RemoteArchive(f'{_ECSSD}/{name}.zip', 'ECSSD') for name in ('images', 'ground_truth_mask'))
    ),
    'voc2012': Source(
        'PASCAL VOC 2012',
        'VOCdevkit/VOC2012',
        (
            RemoteArchive(
                'http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar',
                checksum='md5:6cd6e144f989b92b3379bac3b3de84fd',  # as torchvision has it
            ),
        ),
    ),
    'coco2017': Source(
        'COCO 2017',
        'coco',
        tuple(
            RemoteArchive(f'{_COCO}/{path}', 'coco')
            for path in ('zips/train2017.zip', 'zips/val2017.zip', 'annotations/annotations_trainval2017.zip')
        ),
    ),
    'ytvos2018': _youtube_vos(2018, 'https://youtube-vos.org/dataset/vos/'),
    'ytvos2019': _youtube_vos(2019, 'https://youtube-vos.org/dataset/vos/'),
    'ytvis2019': _youtube_vis(2019),
    'ytvis2021': _youtube_vis(2021),
    'ovis': Source(
        'OVIS',
        'ovis',
        steps=(
            'Register at https://songbai.site/ovis/ and download the archives.',
            'Put frames in data/ovis/{train,valid,test}, annotations as data/ovis/annotations_{train,valid,test}.json.',
        ),
    ),
    'mose': Source(
        'MOSE',
        'MOSE',
        steps=(
            'Follow https://henghuiding.github.io/MOSE/ to train.tar.gz and valid.tar.gz.',
            'Unpack them in data/MOSE: data/MOSE/train/JPEGImages, data/MOSE/train/Annotations, the same for valid.',
        ),
    ),
    'lvos': Source(
        'LVOS',
        'LVOS',
        steps=(
            'Follow https://lingyihongfd.github.io/lvos.github.io/ to the archives of v1 or v2.',
            'Unpack them in data/LVOS: data/LVOS/train/JPEGImages, .../Annotations, data/LVOS/train/train_meta.json.',
        ),
    ),
    'youtube-objects': Source(
        'YouTube-Objects',
        'YouTube-Objects',
        steps=(
            'Frames: v1.0 or v2.2 of https://data.vision.ee.ethz.ch/cvl/youtube-objects/, in data/YouTube-Objects/images.',
            'Masks: youtube_masks of Jain and Grauman (ECCV 2014), from the page of the authors, in '
            'data/YouTube-Objects/youtube_masks.',
        ),
    ),
}
