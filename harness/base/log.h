/* Progress and complaints for people, on stderr; stdout belongs to results. */
#ifndef PULLDRILL_BASE_LOG_H
#define PULLDRILL_BASE_LOG_H

/* A line on stderr, prefixed "pulldrill: ". */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
