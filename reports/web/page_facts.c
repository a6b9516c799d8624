/* The foot of report.html: where the drill ran, notes, and how to run it again. */
#include <jansson.h>
#include <stdlib.h>

#include "harness/base/json_memory.h"
#include "reports/web/html.h"
#include "reports/web/page.h"
#include "reports/words.h"

static void fact(struct buf *out, const char *name, const char *value)
{
    if (words_or(value, NULL) != NULL) {
        buf_str(out, "<dt>");
        html_text(out, name);
        buf_str(out, "</dt><dd>");
        html_text(out, value);
        buf_str(out, "</dd>\n");
    }
}

static void json_fact(struct buf *out, const char *name, json_t *value)
{
    if (json_is_string(value)) {
        fact(out, name, json_string_value(value));
        return;
    }
    unsigned lost = json_memory_lost();
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    out->failed = out->failed || json_memory_lost() != lost;
    fact(out, name, text != NULL ? text : "");
    free(text);
}

/* The members of the object that TEXT is, or TEXT itself where it is none. */
static void facts_of(struct buf *out, const char *otherwise, const char *text)
{
    const char *key;
    json_t *value;
    unsigned lost = json_memory_lost();
    json_t *object = text != NULL ? json_loads(text, 0, NULL) : NULL;
    out->failed = out->failed || json_memory_lost() != lost;
    if (!json_is_object(object)) {
        fact(out, otherwise, text);
        json_decref(object);
        return;
    }
    json_object_foreach(object, key, value)
    {
        json_fact(out, key, value);
    }
    json_decref(object);
}

static void notes(const struct verdict *v, struct buf *out)
{
    if (v->note_count == 0) {
        return;
    }
    buf_str(out, "<h3>Notes</h3>\n<ul class=\"notes\">\n");
    for (size_t i = 0; i < v->note_count; i++) {
        buf_str(out, "<li>");
        html_text(out, v->notes[i]);
        buf_str(out, "</li>\n");
    }
    buf_str(out, "</ul>\n");
}

void page_environment(const struct verdict *v, const struct trace *t, struct buf *out)
{
    struct buf seed;
    buf_init(&seed, 32);
    buf_u64(&seed, v->seed);
    buf_str(out, "<section aria-labelledby=\"environment\">\n<h2 id=\"environment\">Environment"
                 "</h2>\n<dl class=\"env\">\n");
    fact(out, "scenario", v->scenario);
    fact(out, "began", v->began);
    fact(out, "seed", seed.data);
    fact(out, "ended", v->reason);
    fact(out, "reach", v->reach);
    if (t != NULL) {
        facts_of(out, "host", t->host);
        facts_of(out, "versions", t->versions);
    } else {
        fact(out, "pulldrill", v->version);
    }
    buf_str(out, "</dl>\n");
    notes(v, out);
    buf_str(out, "</section>\n");
    out->failed = out->failed || seed.failed;
    buf_close(&seed);
}

void page_replay(const struct verdict *v, struct buf *out)
{
    buf_str(out, "<section aria-labelledby=\"replay\">\n<h2 id=\"replay\">Replay</h2>\n");
    if (words_or(v->replay, NULL) == NULL) {
        buf_str(out, "<p>None: the drill did not come to its beginning.</p>\n");
    } else {
        buf_str(out, "<div class=\"replay\"><pre><code id=\"command\">");
        html_text(out, v->replay);
        buf_str(out, "</code></pre></div>\n");
    }
    buf_str(out, "</section>\n");
}
