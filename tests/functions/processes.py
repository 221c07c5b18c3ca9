"""The processes of functions, which may end while they are looked at."""

import os
from pathlib import Path

import psutil


def of_function(folder: Path) -> list[psutil.Process]:
    """Those below this one that run the function of this folder."""
    found = []
    for each in psutil.Process(os.getpid()).children(recursive=True):
        try:
            if each.status() != psutil.STATUS_ZOMBIE and any(part.startswith(str(folder)) for part in each.cmdline()):
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more, reaped or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
