#!/bin/bash
# A bad subject. Its mistake: it pulls nothing and says that all is well.
exit 0
