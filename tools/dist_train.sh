#!/usr/bin/env bash
# Several processes on one machine or more (NNODES, NODE_RANK, MASTER_ADDR, PORT). Without a GPU they use gloo.
# MAX_RESTARTS: how often all of them are started again after one has died; give --resume, too.
set -euo pipefail
CONFIG=$1
GPUS=$2
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" --nproc_per_node="$GPUS" --max_restarts="${MAX_RESTARTS:-0}" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "${@:3}"
