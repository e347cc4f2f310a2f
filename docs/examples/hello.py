#!/usr/bin/env python3
"""A harmless script: says who it is and what it can see."""
import os
import platform
import sys


def entries(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return error.strerror


print(f"Hello from Python {platform.python_version()}, arguments {sys.argv[1:]}")
print(f"I am uid {os.getuid()} in {os.getcwd()}, process {os.getpid()} on {platform.node()}")
print(f"processes I see: {[name for name in entries('/proc') if name.isdigit()]}")
print(f"my home, {os.path.expanduser('~')}: {entries(os.path.expanduser('~'))}")
print(f"the working directory has {len(entries('.'))} entries")
