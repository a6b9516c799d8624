/* SIGINT and SIGTERM wait while nothing could answer them. */
#include "harness/interrupts.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static void set(int how)
{
    sigset_t both;

    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(how, &both, NULL);
}

void interrupts_let(void)
{
    set(SIG_UNBLOCK);
}

void interrupts_hold(void)
{
    set(SIG_BLOCK);
}
