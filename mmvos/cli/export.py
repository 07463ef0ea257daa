"""Export a model for onnxruntime, or as programs of torch.export.

examples:
  mmvos export recall-vos --out recall-vos.zip
  mmvos export CONFIG --checkpoint weights.pth --size 1080 1920 --out model.zip
  mmvos export recall-vos --format torch --out recall-vos-pt2.zip
  mmvos segment video.mp4 --click 1:320,240 --model recall-vos.zip --out-dir out

The file holds the graphs and a description, and nothing that is run as code. It is for frames of one shape (docs/en/export.md).
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('model', help='path of a config, or a name that `mmvos models` lists')
    parser.add_argument('--out', required=True, metavar='FILE.zip', help='the file that is written')
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='weights, also a name of `mmvos models` (default: those that ship with the config)'
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=[480, 854],
        metavar=('HEIGHT', 'WIDTH'),
        help="of the videos' frames (default: 480 854)",
    )
    parser.add_argument('--format', choices=['onnx', 'torch'], default='onnx', help='of the graphs; MMVOS runs onnx')


def run(args: argparse.Namespace) -> None:
    import os

    from mmvos.apis import init_model
    from mmvos.deployment import export_model
    from mmvos.structures import InputError, check_output

    if min(args.size) < 1:
        raise InputError(f'--size {args.size[0]} {args.size[1]}: expected the height and width of frames, in pixels.')
    if not args.out.endswith('.zip'):
        raise InputError(f'--out {args.out}: expected the name of a .zip file.')
    check_output(args.out)
    model = init_model(args.model, args.checkpoint, 'cpu')
    name = os.path.splitext(os.path.basename(args.model))[0]
    made = export_model(model, args.out, (args.size[0], args.size[1]), name, args.format)
    print(
        f'{args.out}: {made.method}, {os.path.getsize(args.out) / 1e6:.1f} MB, for frames of {args.size[1]}x{args.size[0]} '
        f'(the network sees {made.input_size[1]}x{made.input_size[0]})'
    )
