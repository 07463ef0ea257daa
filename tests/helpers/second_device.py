"""A second device for tests on machines that have only a CPU: what would break, wait or be slow on a GPU shows here.

PyTorch has a spare backend. Here it becomes the device ``guest``, whose tensors (:class:`GuestTensor`) wrap a CPU tensor. Every
operator with a guest tensor passes through :meth:`Ledger.carry_out`, which does three things:

- It refuses what CUDA refuses: tensors of both devices in one operator (but for scalars in pointwise operators and index
  tensors), a CPU generator for a guest tensor, ``numpy()`` of one, factorisations in half precision.
- It computes on the CPU. Convolutions and products of halves are computed in float32 and rounded, as a GPU's tensor cores
  accumulate.
- It writes down launches (operators that are not views) and waits (the host needs a value that the device computes), each
  with the innermost line of MMVOS.

Autocast on ``guest`` casts what CUDA's casts (the lists of ``torch.amp``'s documentation, "CUDA Ops that can autocast").

    with second_device() as ledger:
        session = VOSSession(model, device='guest:0', amp=torch.float16)
        ...
    ledger.waits.most_common()
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from mmengine.structures import instance_data
from second_device_autocast import DeviceError, autocast_rules, place_in_mmvos
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from mmvos.ops import mmcv_ext

COPIES = {'_to_copy', 'copy_', 'copy', '_copy_from'}
INDEXED = {'index', 'index_put', 'index_put_', '_index_put_impl_', '_unsafe_index', '_unsafe_index_put'}
#: not tagged as pointwise, but a CPU scalar may take part
TAKE_SCALARS = INDEXED | {'where', 'masked_fill', 'masked_fill_', 'fill', 'fill_', 'lerp', 'lerp_', 'index_fill', 'clamp'}
#: views, and allocations, which start no kernel
NO_KERNEL = {'detach', 'alias', '_reshape_alias', 'lift_fresh', 'empty', 'empty_like', 'empty_strided', 'new_empty', 'resize_'}
NO_KERNEL |= {'_unsafe_view'}
#: the host waits for what these compute: a value, or the size of their result
WAITS = {'_local_scalar_dense', 'nonzero', 'masked_select', '_unique', '_unique2', 'unique_dim', 'unique_consecutive', 'equal'}


WAITS |= {'_linalg_check_errors', 'linalg_lstsq', 'bincount', 'multinomial'}
#: repeat_interleave waits unless it is told the size of its result
SIZED = {'repeat_interleave'}
NO_HALVES = ('linalg_', '_linalg_', 'cholesky', 'triangular_solve', 'lu_', '_cholesky')
#: of these, CPU kernels for halves are slow, missing, or accumulate in half precision
IN_FLOAT = {'convolution', 'convolution_backward', 'mm', 'addmm', 'bmm', 'baddbmm', 'native_batch_norm', 'native_layer_norm'}


class GuestTensor(Tensor):
    """A tensor of the second device; ``near`` holds its values."""

    near: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, near: Tensor) -> 'GuestTensor':
        tensor = Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            layout=near.layout,
            device=torch.device('guest', 0),
        )
        tensor.near = near
        return tensor

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return Ledger.current.carry_out(func, args, kwargs or {})

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f'guest:{self.near!r}'

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            raise DeviceError(f'numpy() of a tensor on the device at {place_in_mmvos()}')
        return self.detach().cpu().numpy()

    def __array__(self, *args: Any) -> Any:
        return self.numpy()

    def __deepcopy__(self, memo: dict) -> Tensor:
        if id(self) not in memo:
            copied: Tensor = GuestTensor(self.near.detach().clone())
            if isinstance(self, torch.nn.Parameter):
                copied = torch.nn.Parameter(copied, self.requires_grad)
            memo[id(self)] = copied.requires_grad_(self.requires_grad)
        return memo[id(self)]


class Ledger:
    """What happened on the device since :meth:`clear`.

    ``launches``: operators that start a kernel, by (name, place). ``waits``: by (name, place).
    """

    current: 'Ledger'

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.launches: Counter[tuple[str, str]] = Counter()
        self.waits: Counter[tuple[str, str]] = Counter()

    def carry_out(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """One operator: checked, written down, computed."""
        flat, spec = tree_flatten((args, kwargs))
        theirs = [value for value in flat if isinstance(value, GuestTensor)]
        if not theirs and not any(map(_is_guest, flat)):
            return func(*args, **kwargs)
        name = func._schema.name.split('::')[1]
        onto_device = _onto_device(name, args, kwargs, bool(theirs))
        if name not in COPIES:
            _refuse(func, name, args, flat)
        self._write(func, name, args, kwargs, bool(theirs) and not onto_device)
        wrappers = {id(value.near): value for value in theirs}  # what works in place returns its argument
        halves = name in IN_FLOAT and any(t.dtype in (torch.float16, torch.bfloat16) for t in theirs)
        near = [_brought_near(value, halves) for value in flat]
        near_args, near_kwargs = tree_unflatten(near, spec)
        if 'pin_memory' in near_kwargs:
            near_kwargs['pin_memory'] = False
        result = func(*near_args, **near_kwargs)
        dtype = next((t.dtype for t in theirs if t.is_floating_point()), None) if halves else None

        def sent_back(value: Any) -> Any:
            if not isinstance(value, Tensor) or isinstance(value, GuestTensor) or not onto_device:
                return value
            if id(value) in wrappers:
                return wrappers[id(value)]
            keeps = dtype is None or not value.is_floating_point() or name == 'native_batch_norm' and value.dim() == 1
            return GuestTensor(value if keeps else value.to(dtype))

        return tree_map(sent_back, result)

    def _write(self, func: Any, name: str, args: tuple, kwargs: dict, fetched: bool) -> None:
        if func.is_view or name in NO_KERNEL:
            return
        place = place_in_mmvos()
        self.launches[name, place] += 1
        by_mask = name in INDEXED and any(isinstance(i, Tensor) and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        unsized = name in SIZED and kwargs.get('output_size') is None
        if fetched or name in WAITS or by_mask or unsized:
            self.waits[name, place] += 1


def _onto_device(name: str, args: tuple, kwargs: dict, any_guest: bool) -> bool:
    """Whether the result lies on the device."""
    if name == '_to_copy':
        target = kwargs.get('device')
        return any_guest if target is None else _is_guest(target)
    if name == '_local_scalar_dense':
        return False
    return isinstance(args[0], GuestTensor) if name in COPIES else True


def _refuse(func: Any, name: str, args: tuple, flat: list) -> None:
    """Raise for what CUDA does not do."""
    scalars = torch.Tag.pointwise in func.tags or name in TAKE_SCALARS or name.startswith(('_foreach', '_fused'))
    indices = {id(i) for i in tree_flatten(args[1])[0]} if name in INDEXED else set()
    mixed = any(isinstance(value, GuestTensor) for value in flat)
    for value in flat:
        if isinstance(value, torch.Generator) and value.device.type == 'cpu':
            raise DeviceError(f'{name} with a CPU generator at {place_in_mmvos()}')
        if isinstance(value, GuestTensor):
            if name.startswith(NO_HALVES) and value.dtype in (torch.float16, torch.bfloat16):
                raise DeviceError(f'{name} in {value.dtype} at {place_in_mmvos()}')
        elif mixed and isinstance(value, Tensor) and id(value) not in indices and not (scalars and value.dim() == 0):
            raise DeviceError(f'{name}: a CPU tensor {tuple(value.shape)} among tensors of the device at {place_in_mmvos()}')


def _brought_near(value: Any, halves: bool) -> Any:
    if isinstance(value, GuestTensor):
        return value.near.float() if halves and value.is_floating_point() else value.near
    return torch.device('cpu') if _is_guest(value) else value


def _is_guest(value: Any) -> bool:
    return isinstance(value, torch.device) and value.type == 'guest'


class _Factories(TorchDispatchMode):
    """Sees the operators without a guest tensor that make one."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return Ledger.current.carry_out(func, args, kwargs or {})


def _device_module() -> ModuleType:
    """``torch.guest``: one device that is always there."""
    module = ModuleType('guest')
    answers = dict(is_available=True, is_initialized=True, current_device=0, device_count=1, _is_in_bad_fork=False)
    for name, answer in answers.items():
        setattr(module, name, lambda _answer=answer: _answer)
    module.get_amp_supported_dtype = lambda: [torch.float16, torch.bfloat16]
    module.manual_seed_all = lambda seed: None  # the CPU's generators make the numbers
    return module


def _with_factories(submit: Callable) -> Callable:
    """``ThreadPoolExecutor.submit`` for work that makes guest tensors in another thread."""

    def call(self: ThreadPoolExecutor, function: Callable, *args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            with _Factories():
                return function(*args, **kwargs)

        return submit(self, run)

    return call


_registered: list[torch.library.Library] = []


@contextmanager
def second_device() -> Iterator[Ledger]:
    """There is a device ``guest:0`` in this block; its record is the context's value. A process registers it once."""
    if not _registered:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

        _setup_privateuseone_for_python_backend('guest', backend_module=_device_module())
        _registered.extend(autocast_rules())
    compiled = [module for name, module in sys.modules.items() if name.startswith('mmcv.ops') and hasattr(module, 'ext_module')]
    libraries = [module.ext_module for module in compiled]
    for module in compiled:  # what mmcv compiled for a CPU cannot read the tensors
        module.ext_module = mmcv_ext
    submit = ThreadPoolExecutor.submit
    ThreadPoolExecutor.submit = _with_factories(submit)  # modes are of one thread
    index_types = instance_data.IndexType
    instance_data.IndexType = index_types | GuestTensor  # it knows the index tensors of named devices only
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    Ledger.current = Ledger()
    try:
        with _Factories():
            yield Ledger.current
    finally:
        instance_data.IndexType = index_types
        ThreadPoolExecutor.submit = submit
        for module, library in zip(compiled, libraries, strict=True):
            module.ext_module = library
        torch._C._set_only_lift_cpu_tensors(before)
