/* SIGINT and SIGTERM wait while nothing could answer them. */
#ifndef PULLDRILL_INTERRUPTS_H
#define PULLDRILL_INTERRUPTS_H

/* Between these two they interrupt a drill; before and after they are held back, so that neither an
 * early one nor a second one keeps results from being written. Programs that are started begin
 * without this, processes of the harness's own with it. */
void interrupts_let(void);
void interrupts_hold(void);

#endif
