"""Ties a program's life to its parent's, then becomes the program: `python tie.py PARENT PROGRAM
[ARGUMENT…]`.

A program of its own rather than code run between fork and exec, which is unsafe in a process with
threads."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else it died before the tie was made
        os.execv(program[0], program)
