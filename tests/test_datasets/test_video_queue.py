"""Ranks take whole videos from one queue, the longest first."""

import multiprocessing
import time

import pytest
import torch.distributed as dist

from mmvos.datasets.samplers import LongestFirstSampler


class Videos:
    def __init__(self, lengths):
        self.lengths = lengths

    def video_lengths(self):
        return self.lengths


def test_one_process_takes_all_the_longest_first():
    sampler = LongestFirstSampler(Videos([10, 70, 30, 70, 60]))
    assert list(sampler) == list(sampler) == [1, 3, 4, 2, 0] and len(sampler) == 5


def take(rank, world_size, rendezvous, lengths, seconds, answers):
    """Two passes over the videos; a rank spends ``seconds[rank]`` with each."""
    dist.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=world_size)
    sampler, passes = LongestFirstSampler(Videos(lengths)), []
    for _ in range(2):
        taken = []
        for index in sampler:
            taken.append(index)
            time.sleep(seconds[rank])
        passes.append(taken)
        dist.barrier()
    answers.put((rank, passes))
    dist.barrier()
    dist.destroy_process_group()


def passes_of(world_size, lengths, seconds, folder):
    context = multiprocessing.get_context('fork')
    answers = context.Queue()
    arguments = (world_size, folder / 'rendezvous', lengths, seconds, answers)
    processes = [context.Process(target=take, args=(rank, *arguments)) for rank in range(world_size)]
    for process in processes:
        process.start()
    received = dict(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
    return received


def test_a_slow_rank_does_not_hold_up_the_other(tmp_path):
    received = passes_of(2, [10, 70, 30, 40, 60, 50], (1.0, 0.01), tmp_path)
    for turn in range(2):
        slow, fast = received[0][turn], received[1][turn]
        assert sorted(slow + fast) == list(range(6)), 'each video once'
        assert len(slow) == 1 and len(fast) == 5
        assert fast == [i for i in (1, 4, 5, 3, 2, 0) if i in fast], 'the longest first'


@pytest.mark.parametrize('lengths', [[5, 9], []])
def test_fewer_videos_than_ranks(lengths, tmp_path):
    received = passes_of(3, lengths, (0, 0, 0), tmp_path)
    for turn in range(2):
        assert sorted(sum((received[rank][turn] for rank in range(3)), [])) == list(range(len(lengths)))
