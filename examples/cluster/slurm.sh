#!/bin/sh
# A study spread over a Slurm job array: each task runs its shard, all write into one shared folder.
#
#     sbatch --array=0-7 slurm.sh /shared/studies/paper
#
# A task that is stopped ends behind a checkpoint, and the same command goes on. To go on with some tasks only, say how
# many there were: sbatch --array=3,5 --export=ALL,SHARDS=8 slurm.sh /shared/studies/paper
#SBATCH --job-name=chextransfer
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --output=chextransfer-%A_%a.log
# For GPUs: --gres=gpu:1 here, and DEVICE=cuda below, with a program that was built with the feature cuda.
set -eu
study=${1:?usage: sbatch --array=0-7 slurm.sh STUDY}
index=${SLURM_ARRAY_TASK_ID:?sbatch --array=0-7 sets it}
shards=${SHARDS:-$((SLURM_ARRAY_TASK_MAX + 1))}
exec chextransfer study run "$study" --shard "$index/$shards" --device "${DEVICE:-cpu}"
