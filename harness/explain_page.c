/* The page that explain writes on: headings, rows of label and text, wrapped at 80 columns. */
#include <stdarg.h>

#include "harness/columns.h"
#include "harness/explain_internal.h"
#include "reports/escape.h"

static void blanks(struct buf *out, size_t count)
{
    buf_printf(out, "%*s", (int)count, "");
}

void explain_heading(struct explain *x, const char *title)
{
    buf_printf(x->out, "\n%s\n", title);
}

void explain_label(struct explain *x, const char *label, size_t column)
{
    struct buf safe;
    buf_init(&safe, EXPLAIN_MAX_TEXT);
    buf_str(&safe, "  ");
    escape_line(&safe, label);
    const char *text = safe.data ? safe.data : "";
    size_t width = columns_of(text);
    buf_str(x->out, text);
    if (width + 2 > column) {
        buf_char(x->out, '\n');
        width = 0;
    }
    blanks(x->out, column - width);
    buf_close(&safe);
}

static void wrap_safe(struct explain *x, size_t indent, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void wrap_safe(struct explain *x, size_t indent, const char *fmt, va_list ap)
{
    struct buf raw, safe;
    buf_init(&raw, EXPLAIN_MAX_TEXT);
    buf_init(&safe, 6 * EXPLAIN_MAX_TEXT);
    buf_vprintf(&raw, fmt, ap);
    escape_line(&safe, raw.data);
    columns_wrap(x->out, safe.data && !safe.failed ? safe.data : "", indent, EXPLAIN_WIDTH);
    buf_close(&safe);
    buf_close(&raw);
}

void explain_row(struct explain *x, const char *label, const char *fmt, ...)
{
    va_list ap;
    explain_label(x, label, EXPLAIN_COLUMN);
    va_start(ap, fmt);
    wrap_safe(x, EXPLAIN_COLUMN, fmt, ap);
    va_end(ap);
}

void explain_text(struct explain *x, size_t indent, const char *fmt, ...)
{
    va_list ap;
    blanks(x->out, indent);
    va_start(ap, fmt);
    wrap_safe(x, indent, fmt, ap);
    va_end(ap);
}

void explain_list(struct buf *out, size_t index, size_t count, const char *name)
{
    const char *before = index == 0 ? "" : index + 1 == count ? " and " : ", ";
    buf_printf(out, "%s%s", before, name);
}
