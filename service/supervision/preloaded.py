"""Imported by the process that workers are forked from, so that they share its memory.

`multiprocessing` starts that process, which imports this and then does nothing but fork. It has one
thread and no file, socket or random state of its own that workers would come to share.
"""

import signal

from service.supervision.code import load_code
from service.support.memory import give_back_large_blocks

signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback
give_back_large_blocks()
load_code()
# Signals to the whole group are for the workers: this process ends with the last of them. They are
# blocked, not ignored, so that a worker gets those that come before it can handle them.
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
