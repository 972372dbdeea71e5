#!/usr/bin/env bash
# The tests of the kernels on machines that are not at hand; minutes to build and to run.
#
#   other_machines.sh neon    an emulated aarch64: apt-get install gcc-aarch64-linux-gnu qemu-user,
#                             rustup target add aarch64-unknown-linux-gnu
#   other_machines.sh miri    Miri, which sees reads of what was not written: rustup toolchain install nightly -c miri,rust-src
set -euo pipefail
script="$(realpath "$0")"
cd "$(dirname "$script")/.."
target="${CARGO_TARGET_DIR:-../../target}"

case "${1:-}" in
neon)
    export CARGO_TARGET_DIR="$target/neon"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64 -L /usr/aarch64-linux-gnu'
    # An emulated program starts no other.
    cargo test --features allocator --lib --tests --target aarch64-unknown-linux-gnu -- --skip without_vector_instructions
    ;;
miri)
    export CARGO_TARGET_DIR="$target/miri" RAYON_NUM_THREADS=2
    # rayon's queues are not what Stacked Borrows wants, and its threads outlive the program.
    export MIRIFLAGS='-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-permissive-provenance -Zmiri-tree-borrows'
    # In a debug build no memory is unwritten. Of the tests only those with few values end within minutes.
    miri=(cargo +nightly miri test --release --features allocator)
    "${miri[@]}" --lib -- --skip exponentials --skip sigmoids --skip rounding
    "${miri[@]}" --test agreement -- residual concatenations gates_of other_types
    ;;
*)
    sed -n 's/^# \{0,1\}//p' "$script" | tail -n +2 >&2
    exit 2
    ;;
esac
