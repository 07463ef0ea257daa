#!/usr/bin/env bash
# Train the weights that come with MMVOS again, all stages, most useful first, and test those of VOS on DAVIS 2016.
#
#   tools/misc/train_zoo.sh                     all of them
#   tools/misc/train_zoo.sh rgmp_lite0 ...      these
#   LIST=1 tools/misc/train_zoo.sh              only say what would run
#
# Data: the READMEs of the methods say how it is made. What is done is not done again, what was stopped goes on; one failure does not stop the others.
# Logs, checkpoints and metrics: work_dirs/<config>/. Other options of training: OPTIONS="--amp --cfg-options ...".
set -u
cd "$(dirname "$0")/../.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
PYTHON=${PYTHON:-python}

ORDER="recall-vos_lite0 click-segmenter_lite0 sta-masktrack-rcnn-stills_lite0 rvos-mask-st_lite0 agss-vos_lite0 rgmp_lite0 agame_lite0 cosnet_lite0
    main_lite0 rvos-st_lite0 dyenet_lite0 matchvos_lite0 sta-masktrack-rcnn_lite0"

field() { # NAME FIELD [CONFIG]: what weights.json says of a name's configs, in order; of a field by config, what it says of CONFIG
    $PYTHON - "$@" <<'PY'
import json
import sys

for weights in json.load(open('mmvos/weights/weights.json')):
    if weights['name'] == sys.argv[1]:
        values = weights.get(sys.argv[2], {})
        print(*(values.get(sys.argv[3], ()) if len(sys.argv) > 3 else values))
PY
}

work_dir() { # CONFIG
    echo "work_dirs/$(basename "$1" .py)"
}

train() { # CONFIG NAME
    local work_dir starts
    work_dir=$(work_dir "$1")
    [ -f "$work_dir/trained" ] && return
    starts=$(field "$2" starts "$1")
    [ -z "$starts" ] || mean "$1" "$starts" "$(work_dir "${starts##* }")/mean.pth" || return
    mkdir -p "$work_dir"
    # shellcheck disable=SC2086
    $PYTHON tools/train.py "configs/$1" --work-dir "$work_dir" --resume ${OPTIONS:-} >>"$work_dir/train.txt" 2>&1 &&
        touch "$work_dir/trained"
}

mean() { # CONFIG CONFIGS FILE: the mean of the ends of CONFIGS, models of CONFIG
    local config ends=
    for config in $2; do ends="$ends $(cat "$(work_dir "$config")/last_checkpoint")"; done
    # shellcheck disable=SC2086
    [ -f "$3" ] || $PYTHON tools/model_converters/average_checkpoints.py "configs/$1" $ends --out "$3" >&2
}

weights() { # NAME CONFIG: the checkpoint of the last training config, or the mean of the ends that are averaged
    local averaged file
    averaged=$(field "$1" averaged)
    [ -n "$averaged" ] || { cat "$(work_dir "$2")/last_checkpoint"; return; }
    file=$(work_dir "$2")/mean.pth
    mean "$2" "$averaged" "$file" && echo "$file"
}

test_davis() { # NAME CONFIG: the test config beside the last training config
    local config work_dir checkpoint
    work_dir=$(work_dir "$2")
    for config in "configs/${2%.py}_test-davis2016.py" "configs/${2%_stage?.py}_test-davis2016.py" \
        "configs/${2%_lite0*}_lite0_test-davis2016.py"; do
        [ -f "$config" ] || continue
        checkpoint=$(weights "$1" "$2") || return
        [ -f "$work_dir/davis2016.json" ] || $PYTHON tools/test.py "$config" "$checkpoint" --fast \
            --work-dir "$work_dir/test" --metrics "$work_dir/davis2016.json" >"$work_dir/test.txt" 2>&1
        return
    done
}

failed=
for name in ${*:-$ORDER}; do
    configs=$(field "$name" training)
    [ -n "$configs" ] || { echo "$name: no weights of this name with a training in mmvos/weights/weights.json" >&2; exit 2; }
    for config in $configs; do
        if [ -n "${LIST:-}" ]; then
            echo "$name: configs/$config"
        elif train "$config" "$name"; then
            echo "$name: configs/$config trained"
        else
            echo "$name: configs/$config failed, see $(work_dir "$config")/train.txt" >&2
            failed="$failed $name"
            continue 2
        fi
    done
    [ -n "${LIST:-}" ] || test_davis "$name" "$config" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
