/* --listen ADDR[:PORT] and --advertise NAME. */
#include "harness/commands/listen.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 253

static int wrong(const char *text, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "--listen %.200s: an address of this machine, and a port if one is wanted: "
                   "10.0.0.5, 10.0.0.5:8000, fd00::1 or [fd00::1]:8000",
                   text);
}

static bool is_v6(const char *address)
{
    struct in6_addr v6;
    return inet_pton(AF_INET6, address, &v6) == 1;
}

static bool is_address(const char *address)
{
    struct in_addr v4;
    return inet_pton(AF_INET, address, &v4) == 1 || is_v6(address);
}

/* Digits alone, 1 to 65535. */
static bool read_port(const char *text, uint16_t *port)
{
    size_t len = strspn(text, "0123456789");
    unsigned long n = len > 0 && len <= 5 && text[len] == '\0' ? strtoul(text, NULL, 10) : 0;
    *port = (uint16_t)n;
    return n > 0 && n <= UINT16_MAX;
}

int listen_read(struct options *o, const char *text, struct err *e)
{
    bool bracket = text[0] == '[';
    size_t len = strcspn(text + bracket, bracket ? "]" : is_v6(text) ? "" : ":");
    const char *rest = text + bracket + len;
    if (len >= sizeof o->listen || (bracket && *rest++ != ']')) {
        return wrong(text, e);
    }
    memcpy(o->listen, text + bracket, len);
    o->listen[len] = '\0';
    o->listen_port = 0;
    bool valid = bracket ? is_v6(o->listen) : is_address(o->listen);
    bool ported = *rest == '\0' || (*rest == ':' && read_port(rest + 1, &o->listen_port));
    return valid && ported ? 0 : wrong(text, e);
}

int listen_read_name(struct options *o, const char *text, struct err *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-";
    size_t len = strlen(text);
    bool name = len > 0 && len <= NAME_MAX_BYTES && strspn(text, letters) == len &&
                text[0] != '-' && text[0] != '.';
    if (!name && !is_address(text)) {
        return err_set(e, ERR_USAGE,
                       "--advertise %.200s: a host name or an address, without a port; ports are "
                       "dealt by --listen",
                       text);
    }
    o->advertise = text;
    return 0;
}

static const struct scenario_subject *subject_by(const struct scenario *s,
                                                 enum scenario_reach reach)
{
    for (size_t i = 0; i < s->subject_count; i++) {
        if (s->subjects[i].reach == reach) {
            return &s->subjects[i];
        }
    }
    return NULL;
}

static int check_options(const struct options *o, struct err *e)
{
    bool given = o->listen[0] != '\0';
    if (!given && o->advertise != NULL) {
        return err_set(e, ERR_USAGE, "--advertise %s: where is it? write --listen ADDR beside it",
                       o->advertise);
    }
    if (given && o->advertise == NULL &&
        (strcmp(o->listen, "0.0.0.0") == 0 || strcmp(o->listen, "::") == 0)) {
        return err_set(e, ERR_USAGE,
                       "--listen %s is every address, so subjects must be told one of them; write "
                       "--advertise NAME beside it",
                       o->listen);
    }
    if (o->listen_port > 0 && o->jobs > 1) {
        return err_set(e, ERR_USAGE,
                       "--listen with a port, and --jobs %u: drills side by side would want the "
                       "same ports; leave the port out, or --jobs",
                       o->jobs);
    }
    return 0;
}

int listen_check(const struct options *o, struct scenario *const *scenarios, size_t count,
                 struct err *e)
{
    bool wanted = false;
    if (check_options(o, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        const struct scenario_subject *subject = subject_by(scenarios[i], REACH_LISTEN);
        if (subject != NULL && o->listen[0] == '\0') {
            return err_set(e, ERR_USAGE,
                           "%s: subject \"%s\" has \"reach\": \"listen\", and nothing says where; "
                           "write --listen ADDR, an address of this machine that it reaches",
                           scenarios[i]->path, subject->name);
        }
        wanted = wanted || subject != NULL || subject_by(scenarios[i], REACH_PROXY) != NULL;
    }
    if (o->listen[0] != '\0' && !wanted) {
        return err_set(e, ERR_USAGE,
                       "--listen %s: no subject here would use it; give one \"reach\": \"listen\" "
                       "or \"proxy\"",
                       o->listen);
    }
    return 0;
}

struct plan_listen listen_of(const struct options *o)
{
    return (struct plan_listen){.address = o->listen[0] != '\0' ? o->listen : NULL,
                                .advertise = o->advertise,
                                .port = o->listen_port};
}
