# Times work on the files of the current directory, in microseconds. Run by steady.mjs inside and outside.
import json, os, subprocess, sys, time


def timed(use):
    start = time.perf_counter()
    use()
    return (time.perf_counter() - start) * 1e6


def walk():
    for _, _, names in os.walk('.'):
        len(names)


paths = [os.path.join(top, name) for top, _, names in os.walk('tree') for name in names]


def stat():
    for path in paths:
        os.stat(path)


def write():
    for path in paths[:100]:
        with open(path, 'a') as file:
            file.write('x')


best = lambda use: min(timed(use) for _ in range(5))
found = {'find': best(walk), 'stat': best(stat)}
if sys.argv[1] == 'git':
    found['git status'] = best(lambda: subprocess.run(['git', 'status', '--short'], capture_output=True, check=True))
found['first write'] = timed(write) / 100
print(json.dumps(found))
