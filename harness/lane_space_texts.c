/* The files by which a machine finds hosts, as a lane with names has them. */
#include <string.h>
#include <strings.h>

#include "harness/base/buf.h"
#include "harness/lane_space_internal.h"

/* The longest of them. */
#define TEXT_BYTES (256u << 10)

static char *taken(struct buf *b)
{
    char *text = buf_take(b);

    buf_close(b);
    return text;
}

/* What the C library takes without `options` is said here, so that one machine is as the other. */
char *space_text_resolv(void)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    buf_printf(&b, "nameserver %s\noptions timeout:5 attempts:2\n", NAMES_DNS);
    return taken(&b);
}

char *space_text_hosts(const char *hostname)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    buf_str(&b, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    if (hostname != NULL && hostname[0] != '\0' && strcasecmp(hostname, "localhost") != 0)
        buf_printf(&b, "127.0.1.1 %s\n", hostname);
    return taken(&b);
}

/* Whether LINE (LEN bytes) is the entry of the database NAME. */
static bool is_entry(const char *line, size_t len, const char *name)
{
    size_t blanks = 0;
    size_t size = strlen(name);

    while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'))
        blanks++;
    return len - blanks > size && strncmp(line + blanks, name, size) == 0 &&
           strchr(": \t", line[blanks + size]) != NULL;
}

char *space_text_nsswitch(const char *nsswitch)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    for (const char *at = nsswitch != NULL ? nsswitch : ""; *at != '\0';) {
        size_t len = strcspn(at, "\n");

        if (!is_entry(at, len, "hosts")) {
            buf_append(&b, at, len);
            buf_str(&b, "\n");
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    buf_str(&b, "hosts: files dns\n");
    return taken(&b);
}
