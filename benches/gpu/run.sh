#!/usr/bin/env bash
# Training on a graphics card beside PyTorch on the same card, and the parity suite there; the record goes to docs/gpu.md.
#
#   benches/gpu/run.sh --devices cuda:0,vulkan:0
#   benches/gpu/run.sh --devices cpu --networks mobilenet_v2 --numbers float32 --batch 2 --largest 4 --side 32 \
#       --warm-up 1 --steps 1 --rounds 1 --product 64 --patients 12 --out target/gpu.md
#
# GPU and PARITY name built programs, the bench `gpu` and the test `parity` (PARITY=none leaves it out); without them they
# are built here with the cargo features of FEATURES (cuda,vulkan unless it is set). PYTHON names a Python with torch and
# torchvision; without one our side is measured alone. The other options are those of `gpu record --help`.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ -z "${GPU:-}" ] || [ -z "${PARITY:-}" ]; then
    features=()
    for feature in $(tr ',' ' ' <<<"${FEATURES-cuda,vulkan}"); do
        features+=(--features "chextransfer/$feature,chextransfer-cli/$feature")
    done
    built=$(cd "$root" && cargo build --workspace "${features[@]}" --bench gpu --test parity --message-format json |
        sed -n 's/.*"package_id":"\([^"]*\)".*"executable":"\([^"]*\)".*/\1 \2/p')
    : "${GPU:=$(grep '/gpu-' <<<"$built" | cut -d ' ' -f 2)}"
    : "${PARITY:=$(grep 'chextransfer-models.*/parity-' <<<"$built" | cut -d ' ' -f 2)}"
fi

arguments=(--date "$(date -u +%F)" --out "$root/docs/gpu.md")
if [ "$PARITY" != none ]; then
    arguments+=(--parity "$PARITY")
fi
python=${PYTHON:-python3}
if "$python" -c 'import torch, torchvision' 2>/dev/null; then
    arguments+=(--python "$python")
else
    echo "$python has no torch and torchvision: our side is measured alone" >&2
fi
exec "$GPU" record "${arguments[@]}" "$@"
