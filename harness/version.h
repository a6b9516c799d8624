/* The version of the program, as reports and histories name it. */
#ifndef PULLDRILL_VERSION_H
#define PULLDRILL_VERSION_H

#define PULLDRILL_VERSION "0.1.0"

#endif
