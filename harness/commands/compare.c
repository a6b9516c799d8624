/* `compare`: two results held against each other; exits 1 where one got worse. */
#include <stdio.h>
#include <string.h>

#include "harness/commands/command.h"
#include "harness/commands/compare_load.h"
#include "harness/commands/options.h"
#include "harness/verdict/noise.h"
#include "reports/compare_text.h"

#define PRINT_MAX_BYTES (256u << 20)
#define HELP_MAX_BYTES 8192

void command_compare_help(void)
{
    struct buf b;
    buf_init(&b, HELP_MAX_BYTES);
    buf_str(&b,
            "\nOLD, NEW: a journal.json, a results.json, or a folder that `run` or `prove` wrote.\n"
            "exit status 0 without a regression, 1 with one, 4 where a file cannot be read.\n\n"
            "what counts:\n");
    noise_rule("  ", &b);
    fwrite(b.data != NULL ? b.data : "", 1, b.len, stdout);
    buf_close(&b);
}

static const char *last_part(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path != NULL ? path : "";
}

/* Two journals are compared whatever folders their scenario lay in, not those of two scenarios. */
static int pair_singles(const struct compare_result *was, struct compare_result *is, struct err *e)
{
    if (!was->single || !is->single) {
        return 0;
    }
    const char *one = was->verdicts[0]->scenario;
    const char *other = is->verdicts[0]->scenario;
    if (strcmp(last_part(one), last_part(other)) != 0) {
        return err_set(e, ERR_INVALID, "OLD is a drill of %s, NEW of %s: nothing to compare",
                       one != NULL ? one : "no scenario", other != NULL ? other : "no scenario");
    }
    is->items[0].scenario = was->items[0].scenario;
    return 0;
}

static int print(const struct options *o, const struct comparison *c, struct err *e)
{
    const struct report_style style = {.colour = options_colour(stdout)};
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    if (strcmp(o->format, "json") == 0) {
        report_compare_json(c, o->operands[0], o->operands[1], &b);
    } else {
        report_compare_text(c, o->operands[0], o->operands[1], &style, &b);
    }
    int rc = b.failed ? err_set(e, ERR_NOMEM, "compare: no memory") : 0;
    if (rc == 0) {
        fwrite(b.data, 1, b.len, stdout);
    }
    buf_close(&b);
    return rc;
}

/* What cannot be read is the caller's mistake, whatever it is; lack of memory is ours. */
static enum exit_status unreadable(const struct err *e)
{
    options_complain(e);
    return e->code == ERR_NOMEM ? EXIT_ERROR : EXIT_USAGE;
}

static enum exit_status compare(const struct options *o, struct compare_result *was,
                                struct compare_result *is)
{
    struct err e = {0};
    if (compare_load(was, o->operands[0], &e) != 0 || compare_load(is, o->operands[1], &e) != 0 ||
        pair_singles(was, is, &e) != 0) {
        return unreadable(&e);
    }
    const struct compare_side sides[] = {{was->items, was->count}, {is->items, is->count}};
    struct comparison *c = verdict_compare(&sides[0], &sides[1], &e);
    if (c == NULL || print(o, c, &e) != 0) {
        comparison_free(c);
        return options_complain(&e);
    }
    enum exit_status status = c->kinds[COMPARE_WORSE] > 0 ? EXIT_FAIL : EXIT_PASS;
    comparison_free(c);
    return status;
}

int command_compare(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    struct compare_result was = {0};
    struct compare_result is = {0};
    if (options_read(&o, argc, argv, &e) != 0 || options_text_or_json(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    if (o.operand_count != 2 || o.command_count > 0) {
        err_set(&e, ERR_USAGE, "compare takes two results: OLD NEW");
        return (int)options_complain(&e);
    }
    enum exit_status status = compare(&o, &was, &is);
    compare_result_close(&was);
    compare_result_close(&is);
    return (int)status;
}
