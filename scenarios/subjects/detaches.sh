#!/bin/bash
# A bad subject. Its mistake: it pulls properly, but leaves processes behind that outlive it: one in
# a session of its own that holds the output open, one forked twice that ignores the hang-up.
. "$(dirname "$0")/pull.sh"

setsid sleep 600 &
( (nohup sleep 600 </dev/null >/dev/null 2>&1 &) &)
pull_failover
