#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Classifies a folder of pictures on several machines or processes, by Dask: shards.py [OPTION]... FOLDER OUT.jsonl

The pictures, by name, are cut into shards. A shard is one task: a worker that dies loses only the tasks that it had, and Dask
gives these to another. Results are written here alone, a shard as a whole and once, so that each picture has one line,
whoever died. A picture that cannot be read has an "error" and stops nothing.

  --scheduler ADDRESS   of a cluster (`dask scheduler`, and `dask worker ADDRESS` on each machine, which needs twobit and sees
                        FOLDER by the same path); without it, workers are started here
  --workers N           processes to start here [2]
  --network NAME        [imagenet]
  --shard N             pictures in a task [100]
"""
import argparse
import json
import os
import sys

import twobit

_networks = {}  # of this worker: a network is opened once for all its shards


def classify_shard(network, paths):
    """What is in some pictures, in their order: (path, name or None, confidence, error or None)."""
    net = _networks.get(network)
    if net is None:
        net = _networks[network] = twobit.Network(network, batch=16)
    pictures, found = [], {}
    for path in paths:
        try:
            pictures.append((path, twobit.read_picture(path)))
        except (OSError, ValueError) as error:
            found[path] = (path, None, 0.0, str(error))
    for (path, _), answer in zip(pictures, net.classify([picture for _, picture in pictures], top_k=0)):
        found[path] = (path, answer.name, answer.confidence, None)
    return [found[path] for path in paths]


def pictures_of(folder):
    paths = [os.path.join(parent, name) for parent, _, names in os.walk(os.path.abspath(folder)) for name in names]
    return sorted(path for path in paths if path.lower().endswith((".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")))


def classify_folder(client, network, folder, shard_size, write):
    """Calls write with each shard's results, as they come; returns how many pictures there were."""
    from distributed import as_completed
    paths = pictures_of(folder)
    shards = [paths[i:i + shard_size] for i in range(0, len(paths), shard_size)]
    # A task runs again as often as its workers die; what is wrong with one picture never fails a task.
    tasks = [client.submit(classify_shard, network, shard, pure=False, retries=3) for shard in shards]
    for task in as_completed(tasks):
        write(task.result())
        task.release()
    return len(paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scheduler")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--network", default="imagenet")
    parser.add_argument("--shard", type=int, default=100)
    parser.add_argument("folder")
    parser.add_argument("out")
    options = parser.parse_args()

    from distributed import Client, LocalCluster
    target = options.scheduler or LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None)
    with Client(target) as client, open(options.out + ".part", "w", encoding="utf-8") as out:
        # A worker imports this file by its name.
        client.upload_file(os.path.abspath(__file__))

        def write(results):
            for path, name, confidence, error in results:
                out.write(json.dumps({"file": path, "name": name, "confidence": round(confidence, 6), "error": error}) + "\n")

        from shards import classify_folder as run  # not __main__, which workers cannot import
        count = run(client, options.network, options.folder, options.shard, write)
    os.replace(options.out + ".part", options.out)  # a file that is there is whole
    print(f"{count} pictures", file=sys.stderr)
    if not options.scheduler:
        target.close()


if __name__ == "__main__":
    main()
