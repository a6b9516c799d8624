/* The options the verbs share. */
#include "harness/commands/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/doc.h"
#include "harness/base/log.h"
#include "harness/columns.h"
#include "harness/commands/command.h"
#include "harness/commands/listen.h"
#include "harness/commands/options_internal.h"
#include "reports/report.h"

#define MAX_JOBS 64
#define MAX_TIMES 1000
#define HELP_WIDTH 80
#define HELP_COLUMN 33 /* where the meanings begin */

static const char *program = "pulldrill";

void options_set_program(const char *name)
{
    program = name;
}

static int read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > max) {
        return -1;
    }
    *out = n;
    return 0;
}

static int add_word(const char **list, size_t *count, size_t max, const char *word,
                    const char *option, struct err *e)
{
    if (*count == max) {
        return err_set(e, ERR_USAGE, "--%s is given more than %zu times", option, max);
    }
    list[(*count)++] = word;
    return 0;
}

static int apply_word(struct options *o, unsigned bit, const char *value, struct err *e)
{
    uint64_t number = 0;
    switch (bit) {
    case OPT_JOBS:
        if (read_number(value, MAX_JOBS, &number) != 0 || number == 0) {
            return err_set(e, ERR_USAGE, "--jobs %s: a number from 1 to %d", value, MAX_JOBS);
        }
        o->jobs = (unsigned)number;
        return 0;
    case OPT_TIMES:
        if (read_number(value, MAX_TIMES, &number) != 0 || number == 0) {
            return err_set(e, ERR_USAGE, "--times %s: a number from 1 to %d", value, MAX_TIMES);
        }
        o->times = (unsigned)number;
        return 0;
    case OPT_SEED:
        if (read_number(value, UINT64_C(1) << 53, &o->seed) != 0) {
            return err_set(e, ERR_USAGE, "--seed %s: a whole number from 0 to 2^53", value);
        }
        o->has_seed = true;
        return 0;
    case OPT_INCONCLUSIVE:
        if (strcmp(value, "fail") != 0 && strcmp(value, "pass") != 0) {
            return err_set(e, ERR_USAGE, "--inconclusive %s: fail or pass", value);
        }
        o->inconclusive = value[0] == 'f' ? VERDICT_FAIL : VERDICT_PASS;
        return 0;
    case OPT_AUTH:
        if (strcmp(value, "none") != 0 && strcmp(value, "basic") != 0 &&
            strcmp(value, "token") != 0) {
            return err_set(e, ERR_USAGE, "--auth %s: none, basic or token", value);
        }
        o->auth = value;
        return 0;
    case OPT_LISTEN:
        return listen_read(o, value, e);
    case OPT_ADVERTISE:
        return listen_read_name(o, value, e);
    case OPT_TAG:
        return add_word(o->tags, &o->tag_count, OPTIONS_MAX_TAGS, value, "tag", e);
    case OPT_VAR:
        if (strchr(value, '=') == NULL) {
            return err_set(e, ERR_USAGE, "--var %s: KEY=VALUE", value);
        }
        return add_word(o->vars, &o->var_count, OPTIONS_MAX_VARS, value, "var", e);
    default:
        return 0;
    }
}

static int apply(struct options *o, unsigned bit, const char *value, struct err *e)
{
    switch (bit) {
    case OPT_OUT:
        o->out = value;
        return value[0] == '\0' ? err_set(e, ERR_USAGE, "--out: a folder's name") : 0;
    case OPT_FORMAT:
    case OPT_STREAM:
    case OPT_REPORT:
        o->format = value;
        return 0;
    case OPT_SUBJECT:
        o->subject = value;
        return 0;
    case OPT_VARIANT:
        o->variant = value;
        return 0;
    case OPT_TIMEOUT:
        o->timeout = value;
        return 0;
    case OPT_IMAGE:
        o->image = value;
        return 0;
    case OPT_PRIMARY:
        o->primary = value;
        return 0;
    case OPT_FAILOVER:
        o->failover = value;
        return 0;
    case OPT_NO_SKIP:
        o->no_skip = true;
        return 0;
    case OPT_QUIET:
        o->quiet = true;
        return 0;
    default:
        return apply_word(o, bit, value, e);
    }
}

static int unknown_option(unsigned takes, const char *word, struct err *e)
{
    const char *names[OPTION_MAX_ROWS] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < option_table_len; i++) {
        if ((option_table[i].bit & takes) != 0) {
            names[count++] = option_table[i].name;
        }
    }
    const char *near = word[0] == '-' && word[1] == '-'
                           ? doc_nearest(word + 2, names, count, sizeof names[0])
                           : NULL;
    return err_set(e, ERR_USAGE, "%s is no option here%s%s; --help lists them", word,
                   near != NULL ? "; did you mean --" : "", near != NULL ? near : "");
}

/* getopt_long's own tables, made of ours for the options in TAKES. */
static void long_options(unsigned takes, struct option *out, char *letters)
{
    size_t n = 0;
    *letters++ = ':';
    for (size_t i = 0; i < option_table_len; i++) {
        if ((option_table[i].bit & takes) == 0) {
            continue;
        }
        out[n++] =
            (struct option){option_table[i].name,
                            option_table[i].argument != NULL ? required_argument : no_argument,
                            NULL, (int)(256 + i)};
        if (option_table[i].letter != 0) {
            *letters++ = option_table[i].letter;
            if (option_table[i].argument != NULL) {
                *letters++ = ':';
            }
        }
    }
    out[n++] = (struct option){"help", no_argument, NULL, 'h'};
    out[n] = (struct option){NULL, 0, NULL, 0};
    *letters++ = 'h';
    *letters = '\0';
}

static size_t table_index(int c)
{
    for (size_t i = 0; c < 256 && i < option_table_len; i++) {
        if (option_table[i].letter == c) {
            return i;
        }
    }
    return (size_t)c - 256;
}

static int read_options(struct options *o, unsigned takes, int argc, char **argv, struct err *e)
{
    struct option longs[OPTION_MAX_ROWS + 2];
    char letters[2 * OPTION_MAX_ROWS + 4];
    int c;
    long_options(takes, longs, letters);
    optind = 0;
    opterr = 0;
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (c == 'h') {
            o->help = true;
        } else if (c == ':') {
            return err_set(e, ERR_USAGE, "%s wants a value", argv[optind - 1]);
        } else if (c == '?') {
            return unknown_option(takes, argv[optind - 1], e);
        } else {
            const struct option_info *row = &option_table[table_index(c)];
            int rc = row->bit == OPT_SERVE ? serve_option(o, row->name, optarg, e)
                                           : apply(o, row->bit, optarg, e);
            if (rc != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Beside the program in the build tree, else where `make install` puts them. */
static void find_subjects(struct options *o)
{
    const char *chosen = getenv("PULLDRILL_SUBJECTS");
    char self[2048];
    struct stat st;
    if (chosen != NULL && chosen[0] == '/') {
        snprintf(o->subjects_dir, sizeof o->subjects_dir, "%s", chosen);
        return;
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return;
    }
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(o->subjects_dir, sizeof o->subjects_dir, "%s/subjects", self);
    if (stat(o->subjects_dir, &st) != 0) {
        slash = strrchr(self, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        snprintf(o->subjects_dir, sizeof o->subjects_dir, "%s/lib/pulldrill/subjects", self);
    }
}

int options_read(struct options *o, int argc, char **argv, struct err *e)
{
    memset(o, 0, sizeof *o);
    o->jobs = 1;
    o->times = 1;
    o->out = "pulldrill-out";
    o->format = "text";
    o->inconclusive = VERDICT_INCONCLUSIVE;
    find_subjects(o);
    int own = argc;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            own = i;
            o->command = argv + i + 1;
            o->command_count = (size_t)(argc - i - 1);
            break;
        }
    }
    char **words = calloc((size_t)own + 1, sizeof *words);
    if (words == NULL) {
        return err_set(e, ERR_NOMEM, "options: no memory");
    }
    memcpy(words, argv, (size_t)own * sizeof *words);
    int rc = read_options(o, command_options(argv[0]), own, words, e);
    /* getopt_long moved the operands to the end of WORDS; ARGV gets them in that order. */
    memcpy(argv, words, (size_t)own * sizeof *words);
    o->operands = argv + optind;
    o->operand_count = (size_t)(own - optind);
    free(words);
    return rc;
}

int options_read_alone(struct options *o, int argc, char **argv, struct err *e)
{
    if (options_read(o, argc, argv, e) != 0) {
        return -1;
    }
    if (o->operand_count > 0 || o->command_count > 0) {
        return err_set(e, ERR_USAGE, "%s takes nothing but options; --help lists them", argv[0]);
    }
    return 0;
}

static void help_line(const char *left, const char *meaning)
{
    struct buf b;
    buf_init(&b, 1u << 12);
    buf_printf(&b, "  %-*s", HELP_COLUMN - 2, left);
    columns_wrap(&b, meaning, HELP_COLUMN, HELP_WIDTH);
    fputs(b.data != NULL ? b.data : "", stdout);
    buf_close(&b);
}

void options_help(unsigned takes)
{
    char left[64];
    for (size_t i = 0; i < option_table_len; i++) {
        const struct option_info *option = &option_table[i];
        if ((option->bit & takes) == 0) {
            continue;
        }
        const char letter[] = {'-', option->letter, ',', ' ', '\0'};
        snprintf(left, sizeof left, "%s--%s %s", option->letter != 0 ? letter : "    ",
                 option->name, option->argument != NULL ? option->argument : "");
        help_line(left, option->meaning);
        for (size_t k = 0; option->bit == OPT_REPORT && k < report_format_count; k++) {
            snprintf(left, sizeof left, "        %s", report_formats[k].name);
            help_line(left, report_formats[k].meaning);
        }
    }
    help_line("-h, --help", "this text");
}

struct scenario_options options_scenario(const struct options *o)
{
    struct scenario_options so = {.subjects_dir = o->subjects_dir,
                                  .vars = o->vars,
                                  .var_count = o->var_count,
                                  .subject = o->subject,
                                  .variant = o->variant,
                                  .command = o->command,
                                  .command_count = o->command_count};
    return so;
}

/* Appends WORD, after a blank where it is not the first, such that a shell reads it as one word. */
static void quote(struct buf *b, const char *word)
{
    buf_str(b, b->len > 0 ? " " : "");
    if (word[0] != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_-./:=@%+,") == strlen(word)) {
        buf_str(b, word);
        return;
    }
    buf_char(b, '\'');
    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '\'') {
            buf_str(b, "'\\''");
        } else {
            buf_char(b, *p);
        }
    }
    buf_char(b, '\'');
}

static void replay_listen(struct buf *b, const struct options *o)
{
    if (o->listen[0] == '\0') {
        return;
    }
    char text[64];
    bool bracket = o->listen_port > 0 && strchr(o->listen, ':') != NULL;
    snprintf(text, sizeof text, "%s%s%s", bracket ? "[" : "", o->listen, bracket ? "]" : "");
    buf_str(b, " --listen");
    quote(b, text);
    if (o->listen_port > 0) {
        buf_printf(b, ":%u", o->listen_port);
    }
    if (o->advertise != NULL) {
        buf_str(b, " --advertise");
        quote(b, o->advertise);
    }
}

static void replay_value(struct buf *b, const char *option, const char *value)
{
    if (value != NULL) {
        buf_printf(b, " --%s", option);
        quote(b, value);
    }
}

/* But for what is written: that is there already. */
static void replay_serve(struct buf *b, const struct options_serve *s)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        replay_value(b, "registry", s->registries[i]);
    }
    for (size_t i = 0; i < s->image_count; i++) {
        replay_value(b, "image", s->images[i]);
    }
    replay_value(b, "store", s->store);
    replay_value(b, "phase", s->phase);
    buf_str(b, s->read_only ? " --read-only" : "");
    buf_str(b, s->no_sparse ? " --no-sparse" : "");
    buf_str(b, s->tls ? " --tls" : "");
}

char *options_replay(const struct options *o, const char *verb, const char *file)
{
    struct buf b;
    buf_init(&b, 1u << 16);
    quote(&b, program);
    quote(&b, verb);
    if (file != NULL) {
        quote(&b, file);
    }
    for (size_t i = 0; i < o->var_count; i++) {
        buf_str(&b, " --var");
        quote(&b, o->vars[i]);
    }
    replay_listen(&b, o);
    replay_value(&b, "auth", o->auth);
    replay_serve(&b, &o->serve);
    if (o->subject != NULL) {
        buf_str(&b, " --subject");
        quote(&b, o->subject);
    }
    if (o->variant != NULL) {
        buf_str(&b, " --variant");
        quote(&b, o->variant);
    }
    return buf_take(&b);
}

char *options_replay_tail(const struct options *o)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    if (o->command_count > 0) {
        buf_str(&b, " --");
    }
    for (size_t i = 0; i < o->command_count; i++) {
        quote(&b, o->command[i]);
    }
    return buf_take(&b);
}

uint64_t options_seed(const struct options *o, const struct scenario *s)
{
    return o->has_seed ? o->seed : s->has_seed ? s->seed : clock_now_ns() & 0xffffffffu;
}

int options_text_or_json(const struct options *o, struct err *e)
{
    return strcmp(o->format, "text") == 0 || strcmp(o->format, "json") == 0
               ? 0
               : err_set(e, ERR_USAGE, "--format %s: text or json", o->format);
}

bool options_colour(FILE *f)
{
    return isatty(fileno(f)) != 0 && getenv("NO_COLOR") == NULL;
}

enum exit_status options_complain(const struct err *e)
{
    log_line("%s", e->text);
    return e->code == ERR_USAGE || e->code == ERR_INVALID ? EXIT_USAGE : EXIT_ERROR;
}
